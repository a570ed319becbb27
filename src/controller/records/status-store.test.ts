// Looks at status files as the next process would find them, and at what listeners are told.
import { mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { toContainerId, toEpochMs, toImageId, toSandboxName, toSandboxUid, toScopeKey, toSpecHash } from "../../api/brands.ts";
import type { Sandbox } from "../../api/sandbox.ts";
import { createFolder } from "../../api/store/folder.fixture.ts";
import { type StatusChange, StatusStore } from "./status-store.ts";

const NOW = toEpochMs(Date.UTC(2026, 0, 31, 12));

/** Every field that a status can have. */
const toSandbox = (name: string, generation = 1): Sandbox => ({
  apiVersion: "openclaw.ai/v1",
  kind: "Sandbox",
  metadata: { name: toSandboxName(name), generation, createdAt: NOW },
  spec: {
    kind: "tools",
    scopeKey: toScopeKey("agent:main"),
    agentId: null,
    scope: "shared",
    hash: toSpecHash("0123456789abcdef"),
    live: { cpus: 1.5, memory: null, memorySwap: -1, pidsLimit: 512 },
    image: "openclaw-sandbox:bookworm-slim",
    wanted: true,
    because: "the config starts it eagerly",
  },
  status: {
    observedGeneration: generation,
    conditions: [
      { type: "Ready", status: "True", reason: "Serving", message: "it runs", observedGeneration: generation, lastTransitionTime: NOW },
    ],
    container: {
      id: toContainerId("c".repeat(64)),
      uid: toSandboxUid("7b1c6f1e-9f0a-4e5b-8d1a-2b3c4d5e6f70"),
      hash: toSpecHash("0123456789abcdef"),
      imageId: toImageId(`sha256:${"a".repeat(64)}`),
      createdAt: NOW,
      startedAt: null,
    },
    drift: [{ field: "docker.memory", remedy: "live", desired: "512m", actual: "256m" }],
    deferredUntil: NOW,
    deferredSince: null,
    change: null,
    lastUsedAt: NOW,
    failure: { code: "SetupFailed", message: "exit code 1", count: 2, lastAt: NOW, retryAt: NOW, generation },
    servingFailure: null,
    next: ["retry at noon"],
  },
});

async function open(at?: string) {
  const folder = at ?? join(await createFolder(), "status");
  const failures: string[] = [];
  const store = await StatusStore.open({ folder, writeFailed: (name) => failures.push(name) }, NOW);
  return { folder, store, failures };
}

describe("a status", () => {
  test("is in force at once, and there after a restart, field by field", async () => {
    const { folder, store } = await open();
    const sandbox = toSandbox("a");
    expect(store.put(sandbox)).toBe(true);
    expect(store.get(sandbox.metadata.name)).toBe(sandbox);
    await store.flush();
    const again = (await open(folder)).store;
    expect(again.list()).toEqual([sandbox]);
    expect(again.unread).toEqual([]);
  });

  test("that did not change is not written again, also after a restart", async () => {
    const { folder, store } = await open();
    store.put(toSandbox("a"));
    await store.flush();
    const before = await stat(join(folder, "a.json"));
    expect(store.put(toSandbox("a"))).toBe(false);
    await store.flush();
    const again = (await open(folder)).store;
    expect(again.put(toSandbox("a"))).toBe(false);
    await again.flush();
    expect((await stat(join(folder, "a.json"))).ino).toBe(before.ino);
  });

  test("that changes many times is on disk as it was last", async () => {
    const { folder, store } = await open();
    for (let generation = 1; generation <= 100; generation += 1) store.put(toSandbox("a", generation));
    await store.flush();
    expect(JSON.parse(await readFile(join(folder, "a.json"), "utf8"))).toEqual(toSandbox("a", 100));
    expect(await readdir(folder)).toEqual(["a.json"]);
  });

  test("that changes while it is written is written once more", async () => {
    const { folder, store } = await open();
    store.put(toSandbox("a", 1));
    await Promise.resolve();
    await Promise.resolve();
    store.put(toSandbox("a", 2));
    await store.flush();
    expect(JSON.parse(await readFile(join(folder, "a.json"), "utf8"))).toEqual(toSandbox("a", 2));
  });

  test("that is removed is gone from memory at once and from disk soon", async () => {
    const { folder, store } = await open();
    store.put(toSandbox("a"));
    store.put(toSandbox("b"));
    await store.flush();
    expect(store.remove(toSandboxName("a"))).toBe(true);
    expect(store.remove(toSandboxName("a"))).toBe(false);
    expect(store.get(toSandboxName("a"))).toBeUndefined();
    await store.flush();
    expect(await readdir(folder)).toEqual(["b.json"]);
  });

  test("that is removed and comes back is there", async () => {
    const { folder, store } = await open();
    store.put(toSandbox("a"));
    store.remove(toSandboxName("a"));
    store.put(toSandbox("a"));
    await store.flush();
    expect(await readdir(folder)).toEqual(["a.json"]);
  });

  test("never gets a path from a name that is none", async () => {
    const { store } = await open();
    for (const name of ["../a", "a/b", ".a", ""]) expect(() => store.put(toSandbox(name)), name).toThrow("not a sandbox name");
  });
});

test("junk among the files is left out, named, and replaced by the next status", async () => {
  const { folder } = await open();
  await writeFile(join(folder, "torn.json"), '{"apiVersion": ');
  await writeFile(join(folder, "older.json"), JSON.stringify({ ...toSandbox("older"), status: {} }));
  await writeFile(join(folder, "other.json"), JSON.stringify(toSandbox("another")));
  await mkdir(join(folder, "folder.json"));
  await writeFile(join(folder, "README"), "");
  const { store } = await open(folder);
  expect(store.list()).toEqual([]);
  expect([...store.unread].sort()).toEqual(["folder.json", "older.json", "other.json", "torn.json"]);
  store.put(toSandbox("torn"));
  await store.flush();
  expect((await open(folder)).store.list()).toEqual([toSandbox("torn")]);
});

test("listeners are told of changes only, until they end", async () => {
  const { store } = await open();
  const changes: StatusChange[] = [];
  const end = store.subscribe((change) => changes.push(change));
  store.put(toSandbox("a"));
  store.put(toSandbox("a"));
  store.remove(toSandboxName("a"));
  end();
  store.put(toSandbox("b"));
  expect(changes).toEqual([
    { kind: "put", sandbox: toSandbox("a") },
    { kind: "removed", name: "a" },
  ]);
  await store.flush();
});

test("a write that fails is told, and made up for by the next look although nothing changed", async () => {
  const { folder, store, failures } = await open();
  await rm(folder, { recursive: true });
  store.put(toSandbox("a"));
  await store.flush();
  expect(failures).toEqual(["a"]);
  expect(store.get(toSandboxName("a"))).toBeDefined();
  await mkdir(folder);
  expect(store.put(toSandbox("a"))).toBe(false);
  await store.flush();
  expect(await readdir(folder)).toEqual(["a.json"]);
});

test("of a controller that kept one failure for both, what keeps ending goes on waiting, and whatever failed otherwise does too", async () => {
  const { folder } = await open();
  const failed = { message: "it failed", count: 3, lastAt: NOW, retryAt: NOW, generation: 1 };
  const older = (name: string, failure: object): string => {
    const { servingFailure: _, ...status } = toSandbox(name).status;
    return JSON.stringify({ ...toSandbox(name), status: { ...status, failure } });
  };
  await writeFile(join(folder, "ends.json"), older("ends", { ...failed, code: "CrashLoop", unstartable: "c".repeat(64) }));
  await writeFile(join(folder, "fails.json"), older("fails", { ...failed, code: "SetupFailed" }));
  const { store } = await open(folder);
  expect(store.unread).toEqual([]);
  const [ends, fails] = store.list().map(({ status: { failure, servingFailure } }) => ({ failure, servingFailure }));
  expect(ends).toEqual({ failure: null, servingFailure: { ...failed, code: "CrashLoop" } });
  expect(fails).toEqual({ failure: { ...failed, code: "SetupFailed" }, servingFailure: null });
});
