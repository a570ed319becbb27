import { connect as connectTls } from "node:tls";
import fc from "fast-check";
import { describe, expect, it, onTestFinished, test } from "vitest";
import { HELLO_BYTES_MAX, readFirstBytes } from "./client-hello.ts";
import { startDestination } from "./proxy.fixture.ts";

/** What a TLS client of this Node sends first. */
async function captureHello(servername: string): Promise<Buffer> {
  const { promise, resolve } = Promise.withResolvers<Buffer>();
  const port = await startDestination((socket) => socket.once("data", (bytes: Buffer) => resolve(bytes)));
  const client = connectTls({ host: "127.0.0.1", port, servername, rejectUnauthorized: false, ALPNProtocols: ["h2", "http/1.1"] });
  client.on("error", () => undefined);
  onTestFinished(() => void client.destroy());
  return await promise;
}

/** The same handshake in records of the given sizes. */
function cutIntoRecords(hello: Buffer, bytes: number): Buffer {
  const body = hello.subarray(5);
  const pieces = Array.from({ length: Math.ceil(body.length / bytes) }, (_, at) => body.subarray(at * bytes, (at + 1) * bytes));
  return Buffer.concat(pieces.map((piece) => Buffer.concat([Buffer.from([22, 3, 1, piece.length >> 8, piece.length & 255]), piece])));
}

interface Parts {
  readonly extensions?: Buffer;
  readonly type?: number;
}

const field = (lengthBytes: number, content: Buffer): Buffer => {
  const head = Buffer.alloc(lengthBytes);
  head.writeUIntBE(content.length, 0, lengthBytes);
  return Buffer.concat([head, content]);
};
const extension = (type: number, content: Buffer): Buffer => Buffer.concat([Buffer.from([type >> 8, type & 255]), field(2, content)]);
const nameEntry = (name: string, type = 0): Buffer => Buffer.concat([Buffer.from([type]), field(2, Buffer.from(name, "latin1"))]);
const serverName = (...names: readonly string[]): Buffer => extension(0, field(2, Buffer.concat(names.map((name) => nameEntry(name)))));

function makeHello({ extensions, type = 1 }: Parts): Buffer {
  const body = Buffer.concat([
    Buffer.from([3, 3]),
    Buffer.alloc(32, 7),
    field(1, Buffer.alloc(0)),
    field(2, Buffer.from([0x13, 0x01])),
    field(1, Buffer.from([0])),
    ...(extensions === undefined ? [] : [field(2, extensions)]),
  ]);
  const message = Buffer.concat([Buffer.from([type]), field(3, body)]);
  return Buffer.concat([Buffer.from([22, 3, 1]), field(2, message)]);
}

describe("the ClientHello of a real client", () => {
  it("is read in whatever pieces it comes, and not before it is complete", async () => {
    const hello = await captureHello("registry.example.com");
    for (let length = 0; length < hello.length; length += 1)
      expect(readFirstBytes(hello.subarray(0, length)), `${length} bytes`).toEqual({ kind: "more" });
    expect(readFirstBytes(hello)).toEqual({ kind: "hello", serverName: "registry.example.com" });
    expect(readFirstBytes(Buffer.concat([hello, Buffer.from("whatever")]))).toMatchObject({ kind: "hello" });
  });

  it("is read when it is cut into several records, as some clients do to hide its name", async () => {
    const hello = await captureHello("registry.example.com");
    const cut = cutIntoRecords(hello, Math.ceil(hello.length / 12));
    for (let length = 0; length < cut.length; length += 1)
      expect(readFirstBytes(cut.subarray(0, length)).kind, `${length} bytes`).toBe("more");
    expect(readFirstBytes(cut)).toEqual({ kind: "hello", serverName: "registry.example.com" });
  });
});

test.each([
  ["none", makeHello({}), null],
  ["none, with other extensions", makeHello({ extensions: extension(16, Buffer.from([0, 0])) }), null],
  [
    "one, behind others",
    makeHello({ extensions: Buffer.concat([extension(0x0a0a, Buffer.alloc(3)), serverName("a.example")]) }),
    "a.example",
  ],
  ["one with bytes of no name", makeHello({ extensions: serverName("a\u0000.exa\u00ffmple") }), "a\u0000.exa\u00ffmple"],
  ["an empty list", makeHello({ extensions: extension(0, field(2, Buffer.alloc(0))) }), null],
  ["of SSL 2", Buffer.from([0x80, 0x2e, 1, 3, 1, 0, 0]), null],
])("a ClientHello that asks for %s", (_, bytes, expected) =>
  expect(readFirstBytes(bytes)).toEqual({ kind: "hello", serverName: expected }),
);

test.each([
  ["two names", makeHello({ extensions: serverName("a.example", "b.example") })],
  ["two lists of names", makeHello({ extensions: Buffer.concat([serverName("a.example"), serverName("b.example")]) })],
  ["a name of another type", makeHello({ extensions: extension(0, field(2, nameEntry("a.example", 1))) })],
  ["a name that is longer than its list", makeHello({ extensions: extension(0, Buffer.from([0, 9, 0, 0, 40, 97])) })],
  [
    "something behind the list",
    makeHello({ extensions: extension(0, Buffer.concat([field(2, nameEntry("a.example")), Buffer.from([1])])) }),
  ],
  ["another message", makeHello({ type: 2 })],
  ["a record without content", Buffer.from([22, 3, 1, 0, 0])],
  ["a record that is too long", Buffer.from([22, 3, 1, 0xff, 0xff])],
  ["another record in the middle", Buffer.concat([Buffer.from([22, 3, 1, 0, 1, 1]), Buffer.from([23, 3, 3, 0, 1, 0])])],
  ["more records than any client sends", Buffer.concat(Array.from({ length: 20 }, () => Buffer.from([22, 3, 1, 0, 1, 1])))],
  ["a length beyond the bound", Buffer.from([22, 3, 1, 0, 4, 1, 0xff, 0xff, 0xff])],
])("%s is not taken for a ClientHello", (_, bytes) => expect(readFirstBytes(bytes).kind).toBe("invalid"));

test.each([
  ["a request of HTTP", Buffer.from("GET / HTTP/1.1\r\n")],
  ["SSH", Buffer.from("SSH-2.0-OpenSSH_9.2\r\n")],
  ["a record of no known version", Buffer.from([22, 2, 0, 0, 5])],
  ["text beyond ASCII", Buffer.from("ünï")],
])("%s is something else than TLS", (_, bytes) => expect(readFirstBytes(bytes)).toEqual({ kind: "other" }));

test("whatever bytes come, reading them ends, says one of four things, and a bounded number of bytes is asked for", () => {
  const begun = fc
    .tuple(fc.constantFrom(22, 0x80), fc.uint8Array({ maxLength: 200 }))
    .map(([first, rest]) => Buffer.from([first, ...rest]));
  fc.assert(
    fc.property(fc.oneof(begun, fc.uint8Array({ maxLength: 200 })), (bytes) => {
      expect(["more", "other", "hello", "invalid"]).toContain(readFirstBytes(Buffer.from(bytes)).kind);
    }),
  );
  const endless = Buffer.concat(
    Array.from({ length: 4 }, () => Buffer.concat([Buffer.from([22, 3, 1, 0x40, 0]), Buffer.alloc(2 ** 14, 1)])),
  );
  expect(readFirstBytes(endless.subarray(0, HELLO_BYTES_MAX + 5)).kind).toBe("invalid");
});

test("a name with a changed bit is read as changed or refused, never as it was", async () => {
  const hello = await captureHello("registry.example.com");
  const at = hello.indexOf("registry.example.com");
  for (let byte = at; byte < at + "registry.example.com".length; byte += 1) {
    const changed = Buffer.from(hello);
    changed[byte] = (changed[byte] ?? 0) ^ 1;
    expect(readFirstBytes(changed)).not.toEqual({ kind: "hello", serverName: "registry.example.com" });
  }
});
