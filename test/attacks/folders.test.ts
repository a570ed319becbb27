// A process in a sandbox swaps names, as fast as it can, while the controller works there: what is made, given away, removed, measured or
// read is never somebody else's. Each test is one attack; docs/pitfalls.md has how often each was tried, and reached what it was after.
import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { NO_SANDBOX_FOLDERS } from "../../src/api/config/sandbox-folders.ts";
import { errnoOf } from "../../src/api/errno.ts";
import { OperationError } from "../../src/api/errors.ts";
import { readBounded } from "../../src/api/store/atomic-file.ts";
import { desiredOf } from "../../src/controller/decide/decide.fixture.ts";
import { ASIDE_FOLDER, removeAsides, setAside } from "../../src/controller/folders/folder-removal.ts";
import { measureFolder } from "../../src/controller/folders/folder-size.ts";
import { lookUpRealPath, prepareWorkspace, readProfile } from "../../src/controller/folders/host-folders.ts";
import { closeFolder } from "../../src/controller/folders/make-folder.ts";
import { makeGround, portray, ROUNDS, ROUNDS_MS_MAX, swap } from "./attack.fixture.ts";

const OWNER = { uid: 61_234, gid: 61_234 };
const isRoot = process.getuid?.() === 0;
const MEBIBYTE = 1_048_576;
const ASIDE = "openclaw-00000000-0000-4000-8000-000000000000";
const everything = (): { entries: number } => ({ entries: 100_000 });

/** As a pass does it. What the controller refuses is no more than that. @returns whether it was made */
async function prepare(dir: string, purpose: "scope" | "agent", writable: readonly string[] = []): Promise<boolean> {
  const desired = { ...desiredOf(), workspace: { dir, purpose }, agentDir: null };
  const marker = { instance: "i", name: "n", scopeKey: desired.scopeKey, path: dir, createdAt: "2026-01-01T00:00:00Z" };
  const sandboxes = { ...NO_SANDBOX_FOLDERS, writable: writable.map((path) => ({ path, name: "a sandbox's" })) };
  const context = { home: "/nonexistent", stateDir: "/nonexistent/state", sandboxes };
  return await refusedOr(prepareWorkspace({ desired, owner: OWNER, marker, context, lookUp: lookUpRealPath }));
}

async function refusedOr(attempt: Promise<unknown>): Promise<boolean> {
  try {
    await attempt;
    return true;
  } catch (error) {
    if (!(error instanceof OperationError)) throw error;
    return false;
  }
}

/** The program swaps while both are there: once one is gone, nothing moves. They are moved, since what is removed level by level may move too. */
function takeAway(one: string, other: string, to: string): void {
  mkdirSync(to);
  for (const [index, path] of [one, other, one].entries()) if (isThere(path)) renameSync(path, join(to, String(index)));
}

const isThere = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false }) !== undefined;

test("a workspace that is swapped for a link while it is made is never another folder that is given away", {
  timeout: ROUNDS_MS_MAX,
}, async ({ skip }) => {
  skip(!isRoot, "only root gives folders away");
  const ground = makeGround();
  const [workspace, evil] = [join(ground, "outer", "ws"), join(ground, "outer", "evil")];
  mkdirSync(join(ground, "outer"));
  mkdirSync(join(ground, "victim", "secrets"), { mode: 0o700 });
  writeFileSync(join(ground, "victim", "secrets", "key"), "secret", { mode: 0o600 });
  const before = portray(join(ground, "victim"));
  await swap(workspace, evil);
  let made = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    takeAway(workspace, evil, join(ground, `before-${round}`));
    symlinkSync(join(ground, "victim", round % 2 === 0 ? "secrets" : "secrets/key"), evil);
    if (await prepare(workspace, "agent")) made += 1;
    expect(portray(join(ground, "victim")), `round ${round}`).toBe(before);
  }
  expect(made).toBeGreaterThan(0);
});

test("nothing is made below a folder that a sandbox may write, by whatever name, wherever its links lead", {
  timeout: ROUNDS_MS_MAX,
}, async () => {
  const ground = makeGround();
  mkdirSync(join(ground, "outer", "real"), { recursive: true });
  symlinkSync(join(ground, "victim"), join(ground, "outer", "link"));
  symlinkSync(join(ground, "outer"), join(ground, "alias"));
  const before = portray(join(ground, "victim"));
  await swap(join(ground, "outer", "real"), join(ground, "outer", "link"));
  for (let round = 0; round < ROUNDS; round += 1) {
    const dir = join(ground, round % 2 === 0 ? "alias" : "outer", "real", `ws-${round}`);
    expect(await prepare(dir, round % 3 === 0 ? "scope" : "agent", [join(ground, "outer")])).toBe(false);
  }
  expect(portray(join(ground, "victim"))).toBe(before);
});

test("the note of whose a workspace is goes to no folder that was put in the place of its own", { timeout: ROUNDS_MS_MAX }, async () => {
  const ground = makeGround();
  const root = join(ground, "boxes");
  mkdirSync(join(root, ".owners"), { recursive: true, mode: 0o700 });
  symlinkSync(join(ground, "victim"), join(root, "link"));
  await swap(join(root, ".owners"), join(root, "link"));
  let made = 0;
  for (let round = 0; round < ROUNDS; round += 1) if (await prepare(join(root, `ws-${round}`), "scope")) made += 1;
  expect(readdirSync(join(ground, "victim"))).toEqual([]);
  expect(made).toBeGreaterThan(0);
});

test("a workspace that goes takes nothing along that was put in its place", { timeout: ROUNDS_MS_MAX }, async () => {
  const ground = makeGround();
  const root = join(ground, "boxes");
  const [work, link] = [join(root, "work"), join(root, "link")];
  mkdirSync(root);
  writeFileSync(join(ground, "victim", "note"), "stays");
  const before = portray(join(ground, "victim"));
  await swap(work, link);
  for (let round = 0; round < ROUNDS; round += 1) {
    takeAway(work, link, join(ground, `before-${round}`));
    symlinkSync(join(ground, "victim"), link);
    mkdirSync(join(root, "made"));
    writeFileSync(join(root, "made", "file"), "goes");
    renameSync(join(root, "made"), work);
    await refusedOr(setAside(root, "work"));
    await removeAsides(root, everything());
  }
  expect(portray(join(ground, "victim"))).toBe(before);
});

test("what was set aside is emptied nowhere but there, also when its folder is swapped for a link", {
  timeout: ROUNDS_MS_MAX,
}, async () => {
  const ground = makeGround();
  const root = join(ground, "boxes");
  mkdirSync(join(root, ASIDE_FOLDER), { recursive: true, mode: 0o700 });
  mkdirSync(join(ground, "victim", ASIDE));
  writeFileSync(join(ground, "victim", ASIDE, "note"), "stays");
  symlinkSync(join(ground, "victim"), join(root, "link"));
  const before = portray(join(ground, "victim"));
  await swap(join(root, ASIDE_FOLDER), join(root, "link"));
  for (let round = 0; round < ROUNDS; round += 1) await removeAsides(root, everything());
  expect(portray(join(ground, "victim"))).toBe(before);
});

test("a process that still writes in a folder that goes leads its removal nowhere", { timeout: ROUNDS_MS_MAX }, async () => {
  const ground = makeGround();
  const root = join(ground, "boxes");
  const work = join(root, "work");
  mkdirSync(join(root, ASIDE_FOLDER), { recursive: true, mode: 0o700 });
  mkdirSync(join(ground, "victim", "deep"));
  writeFileSync(join(ground, "victim", "deep", "note"), "stays");
  const before = portray(join(ground, "victim"));
  for (let batch = 0; batch < Math.max(1, ROUNDS / 100); batch += 1) {
    mkdirSync(join(work, "inner", "deep"), { recursive: true });
    symlinkSync(join(ground, "victim"), join(work, "link"));
    await swap("inner", "link", work);
    await setAside(root, "work");
    for (let round = 0; round < 100; round += 1) await removeAsides(root, { entries: 3 });
    expect(portray(join(ground, "victim"))).toBe(before);
  }
});

test("a workspace's size counts nothing that a link in it leads to", { timeout: ROUNDS_MS_MAX }, async () => {
  const ground = makeGround();
  const work = join(ground, "work");
  mkdirSync(join(work, "inner", "deep"), { recursive: true });
  mkdirSync(join(ground, "victim", "deep"));
  writeFileSync(join(ground, "victim", "deep", "large"), Buffer.alloc(MEBIBYTE, 1));
  symlinkSync(join(ground, "victim"), join(work, "link"));
  await swap(join(work, "inner"), join(work, "link"));
  for (let round = 0; round < ROUNDS; round += 1) {
    const { bytes } = await measureFolder(work, { entries: 1_000, signal: new AbortController().signal });
    expect(bytes, `round ${round}`).toBeLessThan(MEBIBYTE);
  }
});

test("a profile that is swapped for a device without end is read to no more than its limit", { timeout: ROUNDS_MS_MAX }, async () => {
  const ground = makeGround();
  const [profile, link] = [join(ground, "profile.json"), join(ground, "link")];
  writeFileSync(profile, "{}");
  symlinkSync("/dev/zero", link);
  await swap(profile, link);
  const kinds = new Set<string>();
  for (let round = 0; round < ROUNDS; round += 1) kinds.add((await readProfile(profile)).kind);
  expect([...kinds].every((kind) => kind === "content" || kind === "unreadable")).toBe(true);
  expect(existsSync(link)).toBe(true);
});

test("the folder of workspaces is closed, and nothing that is put in its place", { timeout: ROUNDS_MS_MAX }, async () => {
  const ground = makeGround();
  const [root, link] = [join(ground, "sandboxes"), join(ground, "link")];
  mkdirSync(root);
  chmodSync(join(ground, "victim"), 0o755);
  symlinkSync(join(ground, "victim"), link);
  const before = portray(join(ground, "victim"));
  await swap(root, link);
  let closed = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const path of [root, link]) if (!lstatSync(path).isSymbolicLink()) lchmodFolder(path);
    if (await closeFolder(root)) closed += 1;
    expect(portray(join(ground, "victim")), `round ${round}`).toBe(before);
  }
  expect(closed).toBeGreaterThan(0);
});

/** Opens the folder to everybody, if it still is one: the test itself follows no link either. */
function lchmodFolder(path: string): void {
  try {
    const file = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    fchmodSync(file, 0o755);
    closeSync(file);
  } catch (error) {
    if (!["ENOTDIR", "ELOOP"].includes(errnoOf(error))) throw error;
  }
}

test("what a probe writes back is a small file, or nothing", { timeout: ROUNDS_MS_MAX }, async () => {
  const ground = makeGround();
  const [answer, link] = [join(ground, "main"), join(ground, "link")];
  writeFileSync(answer, "nonce\n");
  writeFileSync(join(ground, "victim", "secret"), "nonce\n");
  symlinkSync(join(ground, "victim", "secret"), link);
  await swap(answer, link);
  const kinds = new Set<string>();
  for (let round = 0; round < ROUNDS; round += 1) {
    const read = await readBounded(answer, 64);
    kinds.add(read.kind === "read" ? read.text : read.kind);
  }
  expect([...kinds].every((kind) => kind === "nonce\n" || kind === "unreadable")).toBe(true);
});
