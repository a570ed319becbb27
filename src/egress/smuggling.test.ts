// Requests that two programs read differently: whatever a sandbox writes, its destination reads one request for the host that was judged, or none.
import { setImmediate as nextTurn } from "node:timers/promises";
import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import type { Clock } from "../api/clock.ts";
import { VirtualClock } from "../api/virtual-clock.fixture.ts";
import { GOOD_ADDRESS, type ProxyUnderTest, RawClient, startDestination, startProxy, toPolicy } from "./proxy.fixture.ts";

const HEAD = "http://a.example/ HTTP/1.1\r\nHost: a.example\r\n";
const SMUGGLED = "GET /smuggled HTTP/1.1\r\nHost: b.example\r\n\r\n";

interface Ground {
  under: ProxyUnderTest;
  /** What each connection to a destination received. */
  received: string[];
}

/** Destinations that answer once they have read a head, and go on reading. */
async function open(clock?: Clock): Promise<Ground> {
  const received: string[] = [];
  const port = await startDestination((socket) => {
    const at = received.push("") - 1;
    let isAnswered = false;
    socket.setEncoding("latin1").on("data", (piece: string) => {
      received[at] += piece;
      if (isAnswered || !received[at]?.includes("\r\n\r\n")) return;
      isAnswered = true;
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    });
    socket.on("end", () => socket.end());
  });
  const under = await startProxy(port, clock === undefined ? {} : { clock });
  under.answers.set("a.example", [GOOD_ADDRESS]);
  await under.proxy.apply(toPolicy(1, { a: { allow: ["a.example"] } }));
  return { under, received };
}

/** So many turns of the event loop a request and its answer take at most; what waits for more of it does so for ever. */
const TURNS_MAX = 300;

/** What comes back for bytes that nothing follows. */
async function send({ under }: Ground, bytes: string): Promise<string> {
  const client = new RawClient(under.socketOf("a")).write(Buffer.from(bytes, "latin1"));
  for (let turn = 0; turn < TURNS_MAX && client.text === "" && !client.isClosed; turn += 1) await nextTurn();
  client.socket.end();
  return await client.readAll();
}

/** What destinations were sent anything of. */
const sent = ({ received }: Ground): string[] => received.filter((bytes) => bytes !== "");

/** What a strict reader makes of a connection's bytes. Throws what is no request, and what is more than one. */
function readOne(bytes: string): { host: string; path: string; body: string } {
  const end = bytes.indexOf("\r\n\r\n");
  if (end < 0) throw new Error(`there is no end of the head: ${JSON.stringify(bytes)}`);
  const [line = "", ...fields] = bytes.slice(0, end).split("\r\n");
  const values = (wanted: string): string[] =>
    fields.flatMap((field) => {
      const [, name = "", value = ""] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/.exec(field) ?? [];
      if (name === "") throw new Error(`this is no field: ${JSON.stringify(field)}`);
      return name.toLowerCase() === wanted ? [value] : [];
    });
  const [[host = "", ...hosts], lengths, codings] = [values("host"), values("content-length"), values("transfer-encoding")];
  if (hosts.length > 0 || lengths.length + codings.length > 1) throw new Error(`it is framed twice: ${JSON.stringify(bytes)}`);
  const { body, rest } = codings.length > 0 ? readPieces(bytes.slice(end + 4)) : readLength(bytes.slice(end + 4), Number(lengths[0] ?? 0));
  if (rest !== "") throw new Error(`something is behind it: ${JSON.stringify(rest)}`);
  return { host, path: line.split(" ")[1] ?? "", body };
}

const readLength = (bytes: string, length: number): { body: string; rest: string } => ({
  body: bytes.slice(0, length),
  rest: bytes.slice(length),
});

/** As far as they are there. */
function readPieces(bytes: string): { body: string; rest: string } {
  let [body, rest] = ["", bytes];
  while (rest !== "") {
    const [whole = "", digits = "0"] = /^([0-9a-f]+)\r\n/i.exec(rest) ?? [];
    if (whole === "") throw new Error(`this is no piece: ${JSON.stringify(rest)}`);
    const length = Number.parseInt(digits, 16);
    const piece = rest.slice(whole.length, whole.length + length);
    rest = rest.slice(whole.length + length);
    if (length === 0) {
      if (!rest.startsWith("\r\n")) throw new Error(`there are trailers: ${JSON.stringify(rest)}`);
      return { body, rest: rest.slice(2) };
    }
    body += piece;
    if (piece.length < length) return { body, rest: "" };
    rest = rest.replace(/^\r\n/, "");
  }
  return { body, rest };
}

describe("a request that could be read as two", () => {
  it.each([
    ["a length and pieces", `POST ${HEAD}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`],
    ["pieces and a length", `POST ${HEAD}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n${SMUGGLED}`],
    ["two lengths", `POST ${HEAD}Content-Length: 0\r\nContent-Length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`],
    ["a list of lengths", `POST ${HEAD}Content-Length: 0, ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`],
    ["a length with a sign", `POST ${HEAD}Content-Length: +0\r\n\r\n${SMUGGLED}`],
    ["a length in hexadecimal", `POST ${HEAD}Content-Length: 0x2\r\n\r\n${SMUGGLED}`],
    ["a length before a colon with a space", `POST ${HEAD}Content-Length : ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`],
    ["a coding that hides", `POST ${HEAD}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${SMUGGLED}`],
    ["a coding in two fields", `POST ${HEAD}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n${SMUGGLED}`],
    ["a coding behind a tab of its own", `POST ${HEAD}Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n${SMUGGLED}`],
    ["a coding on a line that goes on", `POST ${HEAD}Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`],
    ["a field behind a line feed alone", `POST ${HEAD}X: y\nContent-Length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`],
    ["a field behind a NUL", `POST ${HEAD}X: y\0\r\nContent-Length: 0\r\n\r\n${SMUGGLED}`],
    ["a piece of no length", `POST ${HEAD}Transfer-Encoding: chunked\r\n\r\n\r\n0\r\n\r\n${SMUGGLED}`],
    ["a piece that is longer than it says", `POST ${HEAD}Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n${SMUGGLED}`],
    ["a piece of a negative length", `POST ${HEAD}Transfer-Encoding: chunked\r\n\r\n-1\r\na\r\n0\r\n\r\n${SMUGGLED}`],
    ["a piece behind a line feed alone", `POST ${HEAD}Transfer-Encoding: chunked\r\n\r\n1\na\n0\n\n${SMUGGLED}`],
    ["the prior knowledge of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"],
    ["no version", `GET http://a.example/\r\n\r\n${SMUGGLED}`],
    ["a version that nobody speaks", `GET http://a.example/ HTTP/1.9\r\nHost: a.example\r\n\r\n${SMUGGLED}`],
  ])("by %s never reaches its destination as two", async (_, bytes) => {
    const ground = await open();
    await send(ground, bytes);
    for (const one of sent(ground)) expect(readOne(one)).toMatchObject({ host: "a.example", path: "/" });
    expect(ground.under.lookedUp.filter((name) => name !== "a.example")).toEqual([]);
  });

  it.each([
    ["pieces", "Transfer-Encoding: chunked"],
    ["a length", `Content-Length: ${SMUGGLED.length}`],
    ["another Host", "Host: b.example"],
  ])("by %s behind more fields than a parser keeps is refused", async (_, field) => {
    const ground = await open();
    const fields = Array.from({ length: 2_001 }, (_each, at) => `a:${at % 10}\r\n`).join("");
    expect(await send(ground, `POST ${HEAD}${fields}${field}\r\n\r\n${SMUGGLED}`)).toMatch(/^HTTP\/1\.1 400 /);
    expect(ground.under.dialled).toEqual([]);
  });

  it("by the body of CONNECT is a tunnel's first bytes, and nothing else", async () => {
    const ground = await open();
    await send(ground, `CONNECT a.example:80 HTTP/1.1\r\nContent-Length: 5\r\n\r\n${SMUGGLED}`);
    expect(ground.received).toEqual([SMUGGLED]);
    expect(ground.under.dialled).toEqual([`${GOOD_ADDRESS}:80`]);
  });

  it("by an upgrade is one, and what comes behind it is judged by itself", async () => {
    const ground = await open();
    const upgrade = `GET ${HEAD}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n`;
    await send(ground, `${upgrade}GET http://b.example/ HTTP/1.1\r\nHost: b.example\r\n\r\n`);
    expect(ground.received.map(readOne)).toEqual([{ host: "a.example", path: "/", body: "" }]);
    expect(ground.received[0]).not.toMatch(/upgrade|http2-settings/i);
  });

  it("by trailers arrives without them", async () => {
    const ground = await open();
    const trailers = "Host: b.example\r\nX-Mine: 1\r\n";
    await send(ground, `POST ${HEAD}Trailer: X-Mine\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n${trailers}\r\n`);
    expect(ground.received.map(readOne)).toEqual([{ host: "a.example", path: "/", body: "hi" }]);
    expect(ground.received[0]).not.toMatch(/x-mine|b\.example/i);
  });
});

/** What heads and bodies are made of, and what breaks parsers. */
const FIELDS = [
  ...["Host: a.example\r\n", "Host: b.example\r\n", "Content-Length: 5\r\n", "Content-Length: 0\r\n", "Transfer-Encoding: chunked\r\n"],
  ...[
    "Connection: keep-alive, host, content-length\r\n",
    "Expect: 100-continue\r\n",
    "Upgrade: websocket\r\n",
    "X:\r\n y\r\n",
    "X: \0\r\n",
  ],
  ...["\n", " ", ":", "\r", "\u00e4: \u00e4\r\n", `X: ${"x".repeat(300)}\r\n`],
];
const BODIES = [
  ...["0\r\n\r\n", "5\r\nhello\r\n", "hello", "5;x=y\r\nhello\r\n", "0\r\nHost: b.example\r\n\r\n", "\r\n", "\n", "\0", SMUGGLED],
  ...[`GET ${HEAD}\r\n`, "GET http://b.example/ HTTP/1.1\r\nHost: b.example\r\n\r\n", "CONNECT b.example:443 HTTP/1.1\r\n\r\n"],
  ...["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\x16\x03\x01\x00\x05hello", "OPTIONS * HTTP/1.1\r\n\r\n"],
];
const LINES = [
  `GET ${HEAD}`,
  `POST ${HEAD}`,
  `POST ${HEAD}`,
  `HEAD ${HEAD}`,
  "GET http://b.example/ HTTP/1.1\r\n",
  "GET http://[fe80::1%25eth0]/ HTTP/1.0\r\n",
  "",
];
const ROUNDS = process.env.OPENCLAW_TEST_LONG === "1" ? 20_000 : 500;

test(`${ROUNDS} requests of random pieces: the proxy goes on, and what reaches a destination is one request for a host that it may reach`, async () => {
  const clock = new VirtualClock();
  const ground = await open(clock);
  const some = (from: readonly string[], maxLength: number): fc.Arbitrary<string> =>
    fc.array(fc.constantFrom(...from), { maxLength }).map((parts) => parts.join(""));
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...LINES), some(FIELDS, 3), some(BODIES, 4), async (line, fields, body) => {
      const from = ground.received.length;
      await send(ground, `${line}${fields}\r\n${body}`);
      // Below the requests that a sandbox may make in a second.
      await clock.advance(1_000);
      for (const bytes of ground.received.slice(from)) if (bytes !== "") expect(readOne(bytes).host).toBe("a.example");
      expect(ground.under.lookedUp.filter((name) => name !== "a.example")).toEqual([]);
    }),
    { numRuns: ROUNDS },
  );
  expect(sent(ground).length).toBeGreaterThan(ROUNDS / 25);
  expect(await send(ground, `GET ${HEAD}\r\n`)).toMatch(/^HTTP\/1\.1 200 /);
});
