import { describe, expect, it, onTestFinished, test } from "vitest";
import { createSystemClock } from "../api/clock.ts";
import { parseAddress, renderAddress } from "../api/egress/ip-address.ts";
import { startDnsServer } from "./dns-server.fixture.ts";
import { startDestination, toPolicy } from "./proxy.fixture.ts";
import { RecordLog } from "./record-log.ts";
import { createResolver, type Dial, dialAddress, dialFirst, type Resolve } from "./resolve.ts";
import { Subject } from "./subject.ts";

const ROUNDS = 10_000;
const GOOD = ["93.184.215.14", "8.8.8.8", "2606:2800:21f::1"];
const BAD = [
  "127.0.0.1",
  "10.0.0.1",
  "169.254.169.254",
  "192.168.1.1",
  "100.64.0.1",
  "0.0.0.0",
  "::1",
  "fe80::1",
  "fd00::1",
  "64:ff9b::7f00:1",
];

async function resolver(answer: (name: string) => readonly string[] | null): Promise<Resolve> {
  const server = await startDnsServer(answer, { address: "127.0.0.1", port: 0 });
  onTestFinished(() => void server.close());
  return createResolver([`127.0.0.1:${server.address().port}`]);
}

describe("a name", () => {
  it("has all its addresses of both families", async () => {
    const resolve = await resolver(() => ["93.184.215.14", "10.0.0.1", "2606:2800:21f::1"]);
    expect((await resolve("a.example")).map(renderAddress)).toEqual(["93.184.215.14", "10.0.0.1", "2606:2800:21f::1"]);
  });

  it("without any has none, and one that does not exist has none", async () => {
    const resolve = await resolver((name) => (name === "empty.example" ? [] : null));
    expect(await resolve("empty.example")).toEqual([]);
    expect(await resolve("nowhere.example")).toEqual([]);
  });

  it("is asked for as it stands: no hosts file, no search list", async () => {
    const asked: string[] = [];
    const resolve = await resolver((name) => {
      asked.push(name);
      return null;
    });
    expect(await resolve("localhost")).toEqual([]);
    expect(new Set(asked)).toEqual(new Set(["localhost"]));
  });
});

/** Answers good and bad ones in turns that nobody can foresee, sometimes both; the same each time the test runs. */
function createRebinder(): () => readonly string[] {
  let state = 12_345;
  const next = (below: number): number => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor(state / 2 ** 8) % below;
  };
  const pick = (from: readonly string[]): string => from[next(from.length)] ?? "";
  return () => [[pick(GOOD)], [pick(BAD)], [pick(GOOD), pick(BAD)], [pick(BAD), pick(GOOD)], [pick(GOOD), pick(GOOD)]][next(5)] ?? [];
}

async function rebind(resolve: Resolve, rounds: number): Promise<{ dialled: Set<string>; allowed: number; refused: number }> {
  const dialled = new Set<string>();
  const dial: Dial = async (address) => {
    dialled.add(renderAddress(address));
    throw new Error("written down");
  };
  const policy = toPolicy(1, { a: { allow: ["rebind.example"] } });
  const [entry] = policy.sandboxes;
  if (entry === undefined) throw new Error("no sandbox");
  const subject = new Subject({ clock: createSystemClock(), resolve, dial, log: new RecordLog(), ownAddresses: () => [] }, entry);
  subject.update(entry, policy);
  const counts = { allowed: 0, refused: 0 };
  for (let round = 0; round < rounds; round += 1) {
    const admission = await subject.admit({ host: { kind: "name", name: "rebind.example" }, port: 443 });
    counts[admission.kind] += 1;
    if (admission.kind === "allowed") {
      const { addresses } = admission;
      await expect(dialFirst(dial, { addresses, port: 443 }, new AbortController().signal)).rejects.toThrow("written down");
    }
  }
  return { dialled, ...counts };
}

test(`${ROUNDS} times a name is bound anew between the looks at it: only addresses of the internet are dialled`, async () => {
  const answer = createRebinder();
  const { dialled, allowed, refused } = await rebind(
    async () => answer().map((text) => parseAddress(text) ?? { family: 4, value: 0n }),
    ROUNDS,
  );
  expect([...dialled].sort()).toEqual([...GOOD].sort());
  expect(allowed + refused).toBe(ROUNDS);
  expect(Math.min(allowed, refused)).toBeGreaterThan(ROUNDS / 4);
});

test("the same over the wire, with the resolver that the proxy has", async () => {
  const rounds = process.env.OPENCLAW_TEST_LONG === "1" ? ROUNDS : 300;
  const answer = createRebinder();
  const resolve = await resolver(() => answer());
  const { dialled, allowed, refused } = await rebind(resolve, rounds);
  expect([...dialled].filter((address) => !GOOD.includes(address))).toEqual([]);
  expect(Math.min(allowed, refused)).toBeGreaterThan(rounds / 10);
});

describe("an address", () => {
  it("is connected to, and the socket is that address's", async () => {
    const port = await startDestination((socket) => void socket.end());
    const address = parseAddress("127.0.0.1");
    if (address === null) throw new Error("no address");
    const socket = await dialAddress(address, port, new AbortController().signal);
    onTestFinished(() => void socket.destroy());
    expect([socket.remoteAddress, socket.remotePort]).toEqual(["127.0.0.1", port]);
  });

  it("that refuses says so, and the next one is tried", async () => {
    const port = await startDestination((socket) => void socket.end());
    const [closed, open] = [parseAddress("127.0.0.2"), parseAddress("127.0.0.1")];
    if (closed === null || open === null) throw new Error("no address");
    const signal = new AbortController().signal;
    await expect(dialAddress(closed, port, signal)).rejects.toThrow("127.0.0.2 did not accept a connection (ECONNREFUSED)");
    const reached = await dialFirst(dialAddress, { addresses: [closed, open], port }, signal);
    onTestFinished(() => void reached.socket.destroy());
    expect(renderAddress(reached.address)).toBe("127.0.0.1");
  });

  it("is not waited for once nobody waits for it", async () => {
    const address = parseAddress("127.0.0.1");
    if (address === null) throw new Error("no address");
    await expect(dialAddress(address, 9, AbortSignal.abort())).rejects.toThrow("aborted");
  });
});
