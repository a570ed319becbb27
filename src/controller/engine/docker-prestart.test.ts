// What whoever keeps account of waiting execs is told of them. No engine; what runs in one is docker-prestart.engine.test.ts's.
import { PassThrough } from "node:stream";
import { expect, test, vi } from "vitest";
import { toContainerId, toSandboxUid } from "../../api/brands.ts";
import { OperationError } from "../../api/errors.ts";
import { type PrestartParts, Prestarts } from "./docker-prestart.ts";
import type { Handle } from "./engine.ts";
import { Looks } from "./looks.ts";

const HANDLE: Handle = { id: toContainerId("c1"), uid: toSandboxUid("u1"), incarnation: "1" };
const REQUEST = { argv: ["true"], stdin: false };

/** @param opened what becomes of each that is started */
function setUp(opened: () => Promise<PassThrough | null>) {
  const told: string[] = [];
  const sockets: PassThrough[] = [];
  let marks = 0;
  const open: PrestartParts["open"] = async (_, mark) => {
    told.push(`${mark} starts`);
    const socket = await opened();
    if (socket === null) return null;
    sockets.push(socket);
    return { execId: mark, socket };
  };
  const prestarts = new Prestarts({
    ...{ open, check: async () => undefined, looks: new Looks(), newMark: () => `mark${++marks}` },
    ends: { isLive: true, keepQuiet: () => undefined, onStir: () => undefined },
  });
  prestarts.onWaiting({
    begins: async (handle, mark) => {
      told.push(`${mark} is to wait in ${handle.id}`);
      await new Promise((resolve) => setImmediate(resolve));
    },
    over: (mark) => void told.push(`${mark} is over`),
  });
  return { prestarts, told, sockets };
}

const BEGUN = ["mark1 is to wait in c1", "mark1 starts"];

test("one is told before it starts, and its end where nobody claimed it", async () => {
  const { prestarts, told, sockets } = setUp(async () => new PassThrough());
  prestarts.refill(HANDLE);
  await vi.waitFor(() => expect(sockets).toHaveLength(1));
  expect(told).toEqual(BEGUN);
  sockets[0]?.destroy();
  await vi.waitFor(() => expect(told).toEqual([...BEGUN, "mark1 is over"]));
  expect(prestarts.claim(HANDLE, REQUEST)).toBeNull();
});

test("of one that was claimed nothing more is told: it is its claimant's", async () => {
  const { prestarts, told, sockets } = setUp(async () => new PassThrough());
  prestarts.refill(HANDLE);
  await vi.waitFor(() => expect(sockets).toHaveLength(1));
  expect(prestarts.claim(HANDLE, REQUEST)).toBe("mark1");
  sockets[0]?.destroy();
  await vi.waitFor(() => expect(prestarts.take("mark1")).toBeNull());
  expect(told).toEqual(BEGUN);
});

test.each([
  ["that the container has no room for", async () => null],
  ["whose start failed", () => Promise.reject(new OperationError("EngineUnreachable", "the answer was lost"))],
])("one %s is over", async (_, opened) => {
  const { prestarts, told } = setUp(opened);
  prestarts.refill(HANDLE);
  await vi.waitFor(() => expect(told).toEqual([...BEGUN, "mark1 is over"]));
});
