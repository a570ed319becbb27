// Looks at a ledger on disk as the next process would find it: after a crash at any step, beside junk, and after its loss.
import { randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { toContainerId, toEpochMs, toSandboxName, toSandboxUid, toScopeKey } from "../../api/brands.ts";
import { OperationError } from "../../api/errors.ts";
import { createFolder } from "../../api/store/folder.fixture.ts";
import { Ledger, type LedgerEntry } from "./ledger.ts";

const NOW = toEpochMs(Date.UTC(2026, 0, 31, 12));

const toEntry = (overrides: Partial<LedgerEntry> = {}): LedgerEntry => ({
  uid: toSandboxUid(randomUUID()),
  name: toSandboxName("openclaw-sbx-agent-main-6f1c02d4"),
  kind: "tools",
  scopeKey: toScopeKey("agent:main"),
  containerId: null,
  createdAt: NOW,
  workspace: "/state/sandboxes/agent-main-6f1c02d4",
  ...overrides,
});

async function openLedger(folder?: string): Promise<{ folder: string; ledger: Ledger }> {
  const at = folder ?? join(await createFolder(), "controller", "ledger");
  return { folder: at, ledger: await Ledger.open(at, NOW) };
}

describe("a ledger", () => {
  test("knows after a restart what was recorded, bound and forgotten", async () => {
    const { folder, ledger } = await openLedger();
    const [recorded, bound, forgotten] = [toEntry(), toEntry(), toEntry()];
    const id = toContainerId("c".repeat(64));
    for (const entry of [recorded, bound, forgotten]) await ledger.record(entry);
    expect(await ledger.bind(bound.uid, id)).toBe(true);
    await ledger.forget(forgotten.uid);
    for (const known of [ledger, (await openLedger(folder)).ledger]) {
      expect(known.byUid(recorded.uid)).toEqual(recorded);
      expect(known.containerOf(recorded.uid)).toBeNull();
      expect(known.byContainerId(id)).toEqual({ ...bound, containerId: id });
      expect(known.containerOf(bound.uid)).toBe(id);
      expect(known.containerOf(forgotten.uid)).toBeUndefined();
      expect(known.entries()).toHaveLength(2);
    }
  });

  test("has the entry on disk before it says so, for its owner only", async () => {
    const { folder, ledger } = await openLedger();
    const entry = toEntry();
    await ledger.record(entry);
    expect(JSON.parse(await readFile(join(folder, `${entry.uid}.json`), "utf8"))).toEqual(entry);
  });

  test("tells whether there was one: a lost ledger is not an empty one", async () => {
    const { folder, ledger } = await openLedger();
    expect(ledger.existed).toBe(false);
    expect((await openLedger(folder)).ledger.existed).toBe(true);
    await rm(folder, { recursive: true });
    expect((await openLedger(folder)).ledger.existed).toBe(false);
  });

  test("reads around junk and names it", async () => {
    const { folder, ledger } = await openLedger();
    const entry = toEntry();
    await ledger.record(entry);
    const uid = randomUUID();
    await writeFile(join(folder, "torn.json"), '{"uid": "');
    await writeFile(join(folder, `${uid}.json`), JSON.stringify(toEntry()));
    await writeFile(join(folder, `.${uid}.json.1-2.tmp`), "{");
    await writeFile(join(folder, "README"), "");
    await mkdir(join(folder, "folder.json"));
    await symlink(join(folder, `${entry.uid}.json`), join(folder, "link.json"));
    const again = (await openLedger(folder)).ledger;
    expect(again.entries()).toEqual([entry]);
    expect([...again.unread].sort()).toEqual(["folder.json", "link.json", "torn.json", `${uid}.json`].sort());
    expect(await readdir(folder)).toContain("torn.json");
  });

  test("finds an entry by its container until it is forgotten or has another one", async () => {
    const { ledger } = await openLedger();
    const [first, second] = [toContainerId("1".repeat(64)), toContainerId("2".repeat(64))];
    const entry = toEntry();
    await ledger.record(entry);
    await ledger.bind(entry.uid, first);
    await ledger.bind(entry.uid, second);
    expect(ledger.byContainerId(first)).toBeUndefined();
    expect(ledger.byContainerId(second)?.uid).toBe(entry.uid);
    await ledger.forget(entry.uid);
    expect(ledger.byContainerId(second)).toBeUndefined();
    // Under another uid the same container may come again: what is forgotten is the entry, not the id.
    const again = toEntry({ containerId: second });
    await ledger.adopt({ ...again, containerId: second });
    await ledger.forget(entry.uid);
    expect(ledger.byContainerId(second)).toEqual(again);
  });

  test("finds all of a sandbox's entries by its name, until each is forgotten", async () => {
    const { folder, ledger } = await openLedger();
    const name = toSandboxName("openclaw-sbx-other");
    const [serving, made, other] = [toEntry({ name }), toEntry({ name }), toEntry()];
    for (const entry of [serving, made, other]) await ledger.record(entry);
    const containerId = toContainerId("d".repeat(64));
    await ledger.bind(made.uid, containerId);
    const uidsOf = (known: Ledger): Set<string> => new Set(known.ofName(name).map(({ uid }) => uid));
    for (const known of [ledger, (await openLedger(folder)).ledger]) expect(uidsOf(known)).toEqual(new Set([serving.uid, made.uid]));
    await ledger.forget(serving.uid);
    expect(ledger.ofName(name)).toEqual([{ ...made, containerId }]);
    await ledger.forget(made.uid);
    expect([ledger.ofName(name), ledger.ofName(other.name)]).toEqual([[], [other]]);
  });

  test("keeps what it adopts over a restart, and adopts nothing under a uid that is none of ours", async () => {
    const { folder, ledger } = await openLedger();
    const containerId = toContainerId("1".repeat(64));
    const found = { ...toEntry(), containerId };
    await ledger.adopt(found);
    await ledger.adopt(found);
    for (const uid of ["", "mine", "../../escape", `${found.uid} `])
      await expect(ledger.adopt({ ...found, uid: toSandboxUid(uid), containerId: toContainerId("2".repeat(64)) })).resolves.toBeUndefined();
    for (const known of [ledger, (await openLedger(folder)).ledger]) expect(known.entries()).toEqual([found]);
  });

  test("forgets and binds what it does not know without a word", async () => {
    const { ledger } = await openLedger();
    const uid = toSandboxUid(randomUUID());
    await ledger.forget(uid);
    expect(await ledger.bind(uid, toContainerId("c"))).toBe(false);
    expect(ledger.entries()).toEqual([]);
  });

  test("never makes a path of what is no uid", async () => {
    const { ledger } = await openLedger();
    await expect(ledger.record(toEntry({ uid: toSandboxUid("../../escape") }))).rejects.toThrow("not a uid");
    await expect(ledger.record(toEntry({ uid: toSandboxUid("a") }))).rejects.toThrow("not a uid");
  });

  test("does not say that it recorded what it could not", async () => {
    const { folder, ledger } = await openLedger();
    await rm(folder, { recursive: true });
    const entry = toEntry();
    await expect(ledger.record(entry)).rejects.toThrow(OperationError);
    expect(ledger.byUid(entry.uid)).toBeUndefined();
  });

  test("that can't be opened is an operating error", async () => {
    const folder = join(await createFolder(), "ledger");
    await writeFile(folder, "");
    await expect(Ledger.open(folder, NOW)).rejects.toThrow(OperationError);
  });
});
