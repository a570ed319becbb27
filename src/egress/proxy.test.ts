import { existsSync, statSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { describe, expect, it, test } from "vitest";
import { VirtualClock } from "../api/virtual-clock.fixture.ts";
import { GOOD_ADDRESS, type ProxyUnderTest, RawClient, startDestination, startProxy, toPolicy } from "./proxy.fixture.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/** Answers every request with `ok`, and keeps what it was sent. */
async function startWebServer(): Promise<{ port: number; received: string[] }> {
  const received: string[] = [];
  const port = await startDestination((socket) => {
    const at = received.push("") - 1;
    socket.setEncoding("latin1").on("data", (piece: string) => {
      received[at] += piece;
      if (received[at]?.includes("\r\n\r\n")) socket.end(OK);
    });
    socket.on("end", () => socket.end());
  });
  return { port, received };
}

/** Sends back what it gets. */
const startEcho = (): Promise<number> =>
  startDestination((socket) => {
    socket.pipe(socket);
  });

async function ask(test: ProxyUnderTest, request: string, id = "a"): Promise<string> {
  return await new RawClient(test.socketOf(id)).write(request).readAll();
}

const connectTo = (test: ProxyUnderTest, authority: string, id = "a"): RawClient =>
  new RawClient(test.socketOf(id)).write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);

describe("a plain request", () => {
  it("is passed on to the address that was judged, its path untouched, without what is for the proxy alone", async () => {
    const web = await startWebServer();
    const under = await startProxy(web.port);
    under.answers.set("a.example", [GOOD_ADDRESS]);
    await under.proxy.apply(toPolicy(1, { a: { allow: ["a.example"] } }));
    const request =
      "GET http://A.example./x/../y%2f?q=1 HTTP/1.1\r\nHost: a.example\r\nProxy-Authorization: Basic c2VjcmV0\r\nX-Mine: 1\r\nX-Hop: 2\r\nConnection: close, X-Hop\r\nTE: trailers\r\n\r\n";
    expect(await ask(under, request)).toMatch(/^HTTP\/1.1 200 OK\r\n.*ok$/s);
    expect(web.received).toEqual(["GET /x/../y%2f?q=1 HTTP/1.1\r\nHost: a.example\r\nX-Mine: 1\r\nConnection: close\r\n\r\n"]);
    expect(under.dialled).toEqual([`${GOOD_ADDRESS}:80`]);
  });

  it("keeps its body's framing, so that a destination reads one request where the proxy read one", async () => {
    const web = await startWebServer();
    const under = await startProxy(web.port);
    under.answers.set("a.example", [GOOD_ADDRESS]);
    await under.proxy.apply(toPolicy(1, { a: { allow: ["a.example"] } }));
    const head = "http://a.example/ HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n";
    await ask(under, `GET ${head}Transfer-Encoding: chunked\r\n\r\n5\r\nGET /\r\n0\r\n\r\n`);
    await ask(under, `POST ${head}Content-Length: 3\r\n\r\nabc`);
    await ask(under, `POST ${head}\r\n`);
    expect(web.received[0]).toMatch(/Transfer-Encoding: chunked\r\n/);
    expect(web.received[1]).toMatch(/Content-Length: 3\r\n/);
    expect(web.received[2]).toMatch(/Content-Length: 0\r\n/);
    const both = await ask(under, `POST ${head}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`);
    expect(both).not.toMatch(/200/);
    const coded = await ask(under, `POST ${head}Transfer-Encoding: gzip, chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`);
    expect(coded).toMatch(/^HTTP\/1\.1 400 .*coded as "gzip, chunked" for one hop/s);
    expect(web.received).toHaveLength(3);
  });

  it("is judged each, those too that come over one connection", async () => {
    const web = await startWebServer();
    const under = await startProxy(web.port);
    under.answers.set("a.example", [GOOD_ADDRESS]);
    await under.proxy.apply(toPolicy(1, { a: { allow: ["a.example"] } }));
    const client = new RawClient(under.socketOf("a"));
    client.write("GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n");
    expect(await client.read(/ok$/)).toMatch(/200 OK/);
    client.write("GET http://b.example/ HTTP/1.1\r\nHost: b.example\r\n\r\n");
    expect(await client.readAll()).toMatch(/403 Forbidden\r\nX-OpenClaw-Egress: NotListed.*refused: no rule allows b\.example/s);
    expect(under.lookedUp).toEqual(["a.example"]);
  });

  it.each([
    ["another Host", "GET http://a.example/ HTTP/1.1\r\nHost: b.example\r\n\r\n", "HostMismatch"],
    ["two Hosts", "GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\nHost: b.example\r\n\r\n", "HostMismatch"],
    ["an empty Host", "GET http://a.example/ HTTP/1.1\r\nHost:\r\n\r\n", "HostMismatch"],
    ["another Host for CONNECT", "CONNECT a.example:443 HTTP/1.1\r\nHost: b.example:443\r\n\r\n", "HostMismatch"],
    ["a path alone", "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n", "InvalidRequest"],
    ["https in the clear", "GET https://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n", "InvalidRequest"],
    ["ftp", "GET ftp://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n", "InvalidRequest"],
    ["a user in the host", "GET http://a.example@b.example/ HTTP/1.1\r\nHost: b.example\r\n\r\n", "InvalidRequest"],
    ["CONNECT without a port", "CONNECT a.example HTTP/1.1\r\nHost: a.example\r\n\r\n", "InvalidRequest"],
    ["CONNECT to port 0", "CONNECT a.example:0 HTTP/1.1\r\n\r\n", "InvalidRequest"],
    ["CONNECT to another port", "CONNECT a.example:25 HTTP/1.1\r\n\r\n", "NotListed"],
    ["loopback in hexadecimal", "CONNECT 0x7f.1:443 HTTP/1.1\r\n\r\n", "ProtectedAddress"],
    ["loopback as one number", "GET http://2130706433/ HTTP/1.1\r\nHost: 2130706433\r\n\r\n", "ProtectedAddress"],
    ["loopback mapped", "CONNECT [::ffff:127.0.0.1]:443 HTTP/1.1\r\n\r\n", "ProtectedAddress"],
    ["a zone", "CONNECT [fe80::1%25eth0]:443 HTTP/1.1\r\n\r\n", "InvalidRequest"],
    ["punycode of another name", "CONNECT xn--80ak6aa92e.example:443 HTTP/1.1\r\n\r\n", "NotListed"],
    ["punycode of nothing", "CONNECT a.xn--:443 HTTP/1.1\r\n\r\n", "InvalidRequest"],
    ["a name that is longer than any", `CONNECT ${"a.".repeat(130)}example:443 HTTP/1.1\r\n\r\n`, "InvalidRequest"],
    ["a host as long as a head may be", `CONNECT ${"a".repeat(16_000)}:443 HTTP/1.1\r\n\r\n`, "InvalidRequest"],
  ])("with %s is refused, nothing is dialled, and it is recorded", async (_, request, reason) => {
    const under = await startProxy(await startEcho());
    under.answers.set("a.example", [GOOD_ADDRESS]).set("b.example", [GOOD_ADDRESS]);
    await under.proxy.apply(toPolicy(1, { a: { allow: ["a.example"] } }));
    expect(await ask(under, request)).toMatch(new RegExp(`^HTTP/1.1 4\\d\\d .*\r\nX-OpenClaw-Egress: ${reason}\r\n`));
    expect(under.dialled).toEqual([]);
    expect(under.records()).toEqual([
      expect.objectContaining({ kind: "decision", id: "a", sandbox: "sandbox-a", verdict: "refused", reason }),
    ]);
  });

  it.each([
    ["of a host beyond ASCII", "GET http://b\u00fccher.example/ HTTP/1.1\r\nHost: b\u00fccher.example\r\n\r\n"],
    ["no request at all", "\u0016\u0003\u0001hello\r\n\r\n"],
    ["headers without an end", `GET http://a.example/ HTTP/1.1\r\nX: ${"x".repeat(20_000)}`],
    ["a header with a line break of its own", "GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\nX: a\nb: c\rd\r\n\r\n"],
  ])("that is %s ends its connection, and is recorded", async (_, request) => {
    const under = await startProxy(await startEcho());
    await under.proxy.apply(toPolicy(1, { a: { allow: ["a.example"] } }));
    expect(await ask(under, request)).toMatch(/^HTTP\/1\.1 400 Bad Request\r\nX-OpenClaw-Egress: InvalidRequest\r\n/);
    expect(under.records()).toEqual([expect.objectContaining({ reason: "InvalidRequest" })]);
  });
});

describe("a tunnel", () => {
  it("passes bytes both ways, ends as its ends do, and its bytes are recorded", async () => {
    const under = await startProxy(await startEcho());
    under.answers.set("a.example", [GOOD_ADDRESS]);
    await under.proxy.apply(toPolicy(1, { a: { allow: ["a.example:22"] } }));
    const client = connectTo(under, "a.example:22");
    expect(await client.read(/\r\n\r\n/)).toBe("HTTP/1.1 200 Connection established\r\n\r\n");
    client.write("SSH-2.0-mine\r\n");
    expect(await client.read(/mine\r\n/)).toMatch(/SSH-2\.0-mine\r\n$/);
    client.socket.end();
    await client.readAll();
    await expect.poll(() => under.records().map(({ kind }) => kind)).toEqual(["decision", "end"]);
    expect(under.records()[0]).toMatchObject({
      method: "CONNECT",
      host: "a.example",
      port: 22,
      address: GOOD_ADDRESS,
      verdict: "allowed",
      rule: { list: "allow", index: 0, text: "a.example:22" },
      generation: 1,
    });
    expect(under.records()[1]).toMatchObject({ of: 1, bytesIn: 14, bytesOut: 14 });
  });

  it.each([
    ["the client", (client: Socket) => void client.end("last words")],
    ["the server", (_: Socket, server: Socket) => void server.end("last words")],
  ])("that %s closes halfway is open the other way until that ends, too", async (_, close) => {
    const servers: Socket[] = [];
    const received: string[] = [];
    const port = await startDestination((socket) => {
      servers.push(socket);
      socket.on("data", (piece: Buffer) => received.push(piece.toString()));
    });
    const under = await startProxy(port);
    under.answers.set("a.example", [GOOD_ADDRESS]);
    await under.proxy.apply(toPolicy(1, { a: { allow: ["a.example:22"] } }));
    const client = connectTo(under, "a.example:22");
    await client.read(/\r\n\r\n/);
    const [server] = servers;
    if (server === undefined) throw new Error("no server");
    close(client.socket, server);
    await expect.poll(() => received.join("") + client.text).toContain("last words");
    const [late, other] = client.text.includes("last words") ? [client.socket, server] : [server, client.socket];
    late.end("and these");
    await expect.poll(() => received.join("") + client.text).toContain("and these");
    other.end();
    await expect.poll(() => under.proxy.status().tunnels).toBe(0);
  });

  it("lets a server speak first", async () => {
    const port = await startDestination((socket) => socket.write("220 hello\r\n"));
    const under = await startProxy(port);
    under.answers.set("a.example", [GOOD_ADDRESS]);
    await under.proxy.apply(toPolicy(1, { a: { allow: ["a.example"] } }));
    expect(await connectTo(under, "a.example:443").read(/220/)).toMatch(/220 hello/);
  });

  it("is refused by the first bad answer, and by a name that has none", async () => {
    const under = await startProxy(await startEcho());
    under.answers.set("mixed.example", [GOOD_ADDRESS, "10.0.0.1"]);
    await under.proxy.apply(toPolicy(1, { a: { allow: ["*.example"] } }));
    expect(await connectTo(under, "mixed.example:443").readAll()).toMatch(/403.*mixed\.example: 10\.0\.0\.1 is a private address/s);
    expect(await connectTo(under, "nowhere.example:443").readAll()).toMatch(/502 Bad Gateway\r\nX-OpenClaw-Egress: NotResolved/);
    expect(under.dialled).toEqual([]);
    expect(under.records()[0]).toMatchObject({ reason: "SpecialAddress", address: "10.0.0.1" });
  });

  it("is dialled at the address that was judged, though the name answers another one the next moment", async () => {
    const under = await startProxy(await startEcho());
    const turns = [GOOD_ADDRESS, "127.0.0.1"];
    under.answers.set("rebind.example", () => [turns.shift() ?? "10.0.0.1"]);
    await under.proxy.apply(toPolicy(1, { a: { allow: ["rebind.example"] } }));
    expect(await connectTo(under, "rebind.example:443").read(/\r\n\r\n/)).toMatch(/200/);
    expect(await connectTo(under, "rebind.example:443").readAll()).toMatch(/403/);
    expect(under.dialled).toEqual([`${GOOD_ADDRESS}:443`]);
    expect(under.lookedUp).toEqual(["rebind.example", "rebind.example"]);
  });
});

describe("a new policy", () => {
  it("cuts what it refuses, leaves the rest alone, and holds for the next request", async () => {
    const under = await startProxy(await startEcho());
    under.answers.set("a.example", [GOOD_ADDRESS]).set("b.example", [GOOD_ADDRESS]);
    await under.proxy.apply(toPolicy(1, { a: { allow: ["a.example", "b.example"] } }));
    const [kept, cut] = [connectTo(under, "a.example:443"), connectTo(under, "b.example:443")];
    await Promise.all([kept.read(/\r\n\r\n/), cut.read(/\r\n\r\n/)]);
    expect(await under.proxy.apply(toPolicy(2, { a: { allow: ["a.example", "c.example"] } }))).toEqual({
      generation: 2,
      sandboxes: 1,
      tunnels: 1,
    });
    await cut.readAll();
    kept.write("still here");
    expect(await kept.read(/still here/)).toMatch(/still here$/);
    under.answers.set("c.example", [GOOD_ADDRESS]);
    expect(await connectTo(under, "c.example:443").read(/\r\n\r\n/)).toMatch(/200/);
    expect(under.records().find((record) => record.kind === "decision" && record.reason === "PolicyChanged")).toMatchObject({
      host: "b.example",
      message: "cut: no rule allows b.example",
      generation: 2,
    });
  });

  it("cuts a tunnel whose address is the host's by now", async () => {
    const under = await startProxy(await startEcho());
    under.answers.set("a.example", [GOOD_ADDRESS]);
    await under.proxy.apply(toPolicy(1, { a: { allow: ["a.example"] } }));
    const client = connectTo(under, "a.example:443");
    await client.read(/\r\n\r\n/);
    await under.proxy.apply(toPolicy(2, { a: { allow: ["a.example"] } }, [{ cidr: GOOD_ADDRESS, what: "the host" }]));
    expect(await client.readAll()).toMatch(/200/);
    expect(under.proxy.status().tunnels).toBe(0);
  });

  it("that comes while a name is looked up or an address is dialled decides", async () => {
    const port = await startEcho();
    const begun = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    const dial = async (): Promise<Socket> => {
      begun.resolve();
      await goOn.promise;
      return connect({ host: "127.0.0.1", port });
    };
    const under = await startProxy(port, { dial });
    under.answers.set("a.example", [GOOD_ADDRESS]);
    await under.proxy.apply(toPolicy(1, { a: { allow: ["a.example"] } }));
    const client = connectTo(under, "a.example:443");
    await begun.promise;
    await under.proxy.apply(toPolicy(2, { a: { allow: [] } }));
    goOn.resolve();
    expect(await client.readAll()).toMatch(/403/);
    expect(under.proxy.status().tunnels).toBe(0);
  });

  it("without a sandbox takes its socket away, and every connection over it", async () => {
    const under = await startProxy(await startEcho());
    under.answers.set("a.example", [GOOD_ADDRESS]);
    await under.proxy.apply(toPolicy(1, { a: { allow: ["a.example"] }, b: {} }));
    const client = connectTo(under, "a.example:443");
    await client.read(/\r\n\r\n/);
    expect(await under.proxy.apply(toPolicy(2, { b: {} }))).toEqual({ generation: 2, sandboxes: 1, tunnels: 0 });
    await client.readAll();
    expect(existsSync(under.socketOf("a"))).toBe(false);
    expect(await connectTo(under, "a.example:443").readAll()).toBe("");
  });

  it("that is older than the one in force is refused", async () => {
    const under = await startProxy(1);
    await under.proxy.apply(toPolicy(7, { a: { allow: ["a.example"] } }));
    await expect(under.proxy.apply(toPolicy(6, {}))).rejects.toThrow("generation 7 is in force, 6 is older");
    expect(under.proxy.status()).toEqual({ generation: 7, sandboxes: 1, tunnels: 0 });
  });

  it("opens one sandbox though another one's socket can't be made", async () => {
    const under = await startProxy(1);
    const policy = toPolicy(1, { a: {}, b: {} });
    const [first] = policy.sandboxes;
    if (first === undefined) throw new Error("no sandbox");
    const tooLong = { ...first, id: `a${"-".repeat(150)}`, uid: 60_001 };
    await expect(under.proxy.apply({ ...policy, sandboxes: [tooLong, ...policy.sandboxes.slice(1)] })).rejects.toThrow(
      "the socket of sandbox-a could not be made",
    );
    expect(existsSync(under.socketOf("b"))).toBe(true);
    expect(under.proxy.status().sandboxes).toBe(1);
  });
});

test("without a policy there is nothing to connect to, and what an earlier process left is gone", async () => {
  const under = await startProxy(1);
  expect(under.proxy.status()).toEqual({ generation: null, sandboxes: 0, tunnels: 0 });
  expect(existsSync(join(under.root, "a"))).toBe(false);
});

test("a sandbox's folder and socket are its relay's group's, which may pass and connect, and nobody else's", async () => {
  const under = await startProxy(1);
  const policy = toPolicy(1, { a: {} });
  await under.proxy.apply(policy);
  const [folder, socket] = [statSync(join(under.root, "a")), statSync(under.socketOf("a"))];
  expect([folder.mode & 0o777, socket.mode & 0o777]).toEqual([0o710, 0o660]);
  expect([folder.gid, socket.gid]).toEqual([policy.sandboxes[0]?.uid, policy.sandboxes[0]?.uid]);
  expect(statSync(under.root).mode & 0o777).toBe(0o711);
});

describe("a sandbox that asks too much harms itself alone", () => {
  it("by connections: those beyond its limit are closed and recorded, another sandbox's go on", async () => {
    const web = await startWebServer();
    const under = await startProxy(web.port);
    under.answers.set("a.example", [GOOD_ADDRESS]);
    await under.proxy.apply(toPolicy(1, { a: { allow: ["a.example"], limits: { connections: 3 } }, b: { allow: ["a.example"] } }));
    const open = [1, 2, 3].map(() => connectTo(under, "a.example:443"));
    await Promise.all(open.map((client) => client.read(/\r\n\r\n/)));
    expect(await connectTo(under, "a.example:443").readAll()).toMatch(/^HTTP\/1\.1 429 .*more than 3 connections/s);
    expect(under.records().at(-1)).toMatchObject({ id: "a", reason: "LimitExceeded", message: "more than 3 connections at the same time" });
    expect(await ask(under, "GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n", "b")).toMatch(/200 OK/);
  });

  it("by requests over one connection, each of which takes one behind the proxy: beyond its limit they are refused, and end with it", async () => {
    const port = await startDestination(() => undefined);
    const under = await startProxy(port);
    under.answers.set("a.example", [GOOD_ADDRESS]);
    await under.proxy.apply(toPolicy(1, { a: { allow: ["a.example"], limits: { connections: 3 } } }));
    const request = "GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n";
    const client = new RawClient(under.socketOf("a")).write(request.repeat(20));
    await expect.poll(() => under.records().filter((record) => record.kind === "decision").length).toBe(20);
    expect(under.dialled).toHaveLength(3);
    expect(under.proxy.status().tunnels).toBe(3);
    client.socket.destroy();
    await expect.poll(() => under.proxy.status().tunnels).toBe(0);
    expect(under.records().filter(({ kind }) => kind === "end")).toHaveLength(3);
  });

  it("but not because the clock was set back", async () => {
    const web = await startWebServer();
    const clock = new VirtualClock();
    const under = await startProxy(web.port, { clock });
    await under.proxy.apply(toPolicy(1, { a: {} }));
    expect(await ask(under, "CONNECT a.example:443 HTTP/1.1\r\n\r\n")).toMatch(/403/);
    clock.jump(-3_600_000);
    expect(await ask(under, "CONNECT a.example:443 HTTP/1.1\r\n\r\n")).toMatch(/403/);
  });

  it("by requests: beyond so many at once they are refused, and its records push out its own alone", async () => {
    const web = await startWebServer();
    const clock = new VirtualClock();
    const under = await startProxy(web.port, { clock });
    under.answers.set("a.example", [GOOD_ADDRESS]);
    await under.proxy.apply(toPolicy(1, { a: {}, b: { allow: ["a.example"] } }));
    const askOther = (): Promise<string> =>
      ask(under, "GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n", "b");
    await askOther();
    const storm = async (): Promise<string> => (await ask(under, "CONNECT evil.example:443 HTTP/1.1\r\n\r\n")).slice(9, 12);
    const statuses: string[] = [];
    for (let batch = 0; batch < 21; batch += 1) statuses.push(...(await Promise.all(Array.from({ length: 20 }, storm))));
    expect(statuses.filter((status) => status === "403")).toHaveLength(400);
    expect(statuses.filter((status) => status === "429")).toHaveLength(20);
    expect(await askOther()).toMatch(/200 OK/);
    await clock.advance(10);
    expect([await storm(), await storm()]).toEqual(["403", "429"]);
    const records = under.records();
    expect(records.filter(({ id, kind }) => id === "b" && kind === "decision")).toHaveLength(2);
    expect(records.filter(({ id }) => id === "a")).toHaveLength(257);
    expect(records.find(({ kind }) => kind === "lost")).toMatchObject({ id: "a", count: 422 - 256, refused: 422 - 256 });
  });

  it("by bytes: they pass as fast as its limit says, another sandbox's as fast as they can", async () => {
    const bytes = 200_000;
    const clock = new VirtualClock();
    const port = await startDestination((socket) => void socket.end(Buffer.alloc(bytes, "x")));
    const under = await startProxy(port, { clock });
    under.answers.set("a.example", [GOOD_ADDRESS]);
    const limits = { bytesPerSecond: 100_000 };
    await under.proxy.apply(toPolicy(1, { a: { allow: ["a.example"], limits }, b: { allow: ["a.example"] } }));
    const slow = connectTo(under, "a.example:443");
    expect((await connectTo(under, "a.example:443", "b").readAll()).length).toBeGreaterThan(bytes);
    await slow.read(/x/);
    // Time stands still: a first piece is all that may pass.
    expect(slow.text.length).toBeLessThan(bytes);
    // A limit that is taken back counts for what is open, too, once the last piece is paid for.
    await under.proxy.apply(toPolicy(2, { a: { allow: ["a.example"] }, b: { allow: ["a.example"] } }));
    await clock.advance(2_000);
    expect((await slow.readAll()).length).toBeGreaterThan(bytes);
  });
});
