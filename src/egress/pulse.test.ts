// Whether the proxy notices a relay that stands still, and none that works. How a real one is found and replaced is controller/scenarios/egress.engine.test.ts's.
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { CONNECTIONS_USUAL } from "../api/egress/policy.ts";
import { type ProxyUnderTest, RawClient, startProxy, toPolicy } from "./proxy.fixture.ts";

const PULSE = "OPTIONS * HTTP/1.1\r\nHost: openclaw-egress\r\nConnection: close\r\n\r\n";

async function startWith(limits: { connections?: number } = {}): Promise<ProxyUnderTest> {
  const under = await startProxy(1);
  await under.proxy.apply(toPolicy(1, { a: { allow: [], limits }, b: { allow: [] } }));
  return under;
}

const beat = async (under: ProxyUnderTest, id = "a"): Promise<string> => await new RawClient(under.socketOf(id)).write(PULSE).readAll();

function check({ proxy }: ProxyUnderTest, times: number): string[] {
  for (let at = 0; at < times; at += 1) proxy.checkPulses();
  return proxy.silence().relays;
}

describe("a relay that showed that it works", () => {
  it("is silent once four signs of life in a row did not come, and is not after the next", async () => {
    const under = await startWith();
    expect(await beat(under)).toMatch(/^HTTP\/1\.1 204 /);
    expect(check(under, 3)).toEqual([]);
    expect(check(under, 1)).toEqual(["a"]);
    await beat(under);
    expect(under.proxy.silence().relays).toEqual([]);
  });

  it("is not while anything else comes through it", async () => {
    const under = await startWith();
    await beat(under);
    check(under, 3);
    await new RawClient(under.socketOf("a")).write("CONNECT b.example:443 HTTP/1.1\r\n\r\n").readAll();
    expect(check(under, 1)).toEqual([]);
  });

  it("is not while all its connections are in use, which only its own sandbox can bring about", async () => {
    const under = await startWith();
    const clients = Array.from({ length: CONNECTIONS_USUAL }, () => new RawClient(under.socketOf("a")));
    await Promise.all(clients.map(async ({ socket }) => await once(socket, "connect")));
    // Accepted after all of them.
    await beat(under);
    expect(check(under, 10)).toEqual([]);
    for (const client of clients) client.socket.destroy();
    await expect.poll(() => check(under, 4)).toEqual(["a"]);
  });

  it("keeps a connection for that, so that a sandbox at its limit has one refused less and none of its own cut", async () => {
    const under = await startWith({ connections: 1 });
    const own = new RawClient(under.socketOf("a")).write("GET http://b.example/ HTTP/1.1\r\nHost: b.ex");
    expect(await beat(under)).toMatch(/^HTTP\/1\.1 204 /);
    expect([own.isClosed, under.records()]).toEqual([false, []]);
  });
});

it("a relay that never showed that it works is not silent but unheard, six signs of life after its list came, until something comes through it", async () => {
  const under = await startWith();
  check(under, 5);
  expect(under.proxy.silence()).toEqual({ kind: "silent", relays: [], unheard: [] });
  await beat(under, "b");
  check(under, 1);
  expect(under.proxy.silence()).toEqual({ kind: "silent", relays: [], unheard: ["a"] });
  await new RawClient(under.socketOf("a")).write("CONNECT b.example:443 HTTP/1.1\r\n\r\n").readAll();
  expect(under.proxy.silence().unheard).toEqual([]);
});

it("a relay of an older image, which gives no sign of life, is never missed", async () => {
  const under = await startWith();
  await beat(under, "b");
  expect(check(under, 10)).toEqual(["b"]);
});

it("a program that plays its relay is answered, is not recorded, and is held to the limit of requests", async () => {
  const under = await startWith();
  const client = new RawClient(under.socketOf("a"));
  client.write("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n");
  expect(await client.readAll()).toMatch(/^HTTP\/1\.1 204 /);
  const answers = await Promise.all(Array.from({ length: 40 }, async () => await beat(under)));
  expect(answers.every((answer) => answer.startsWith("HTTP/1.1 204 "))).toBe(true);
  expect(under.records()).toEqual([]);
});
