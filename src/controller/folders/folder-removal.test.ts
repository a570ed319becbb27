// Removing a folder that strangers filled: all of it goes, nothing beside it does, and a stop in the middle is no harm.
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { ASIDE_FOLDER, removeAsides, setAside } from "./folder-removal.ts";
import { measureFolder } from "./folder-size.ts";

function makeRoot(): string {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "openclaw-folders-")));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  return root;
}

/** Folders, files and links, `depth` deep. */
function fill(folder: string, depth: number): void {
  let at = folder;
  for (let level = 0; level < depth; level += 1) {
    at = join(at, "deeper");
    mkdirSync(at, { recursive: true });
    for (const name of ["a", "b", "name with\nnewline"]) writeFileSync(join(at, name), "content");
    symlinkSync("/etc", join(at, "link"));
  }
}

const left = (root: string): string[] => readdirSync(join(root, ASIDE_FOLDER));
const everything = { entries: 1_000_000 };

test("what was set aside is gone, with all that was in it and nothing that it links to", async () => {
  const root = makeRoot();
  const outside = join(root, "outside");
  mkdirSync(outside);
  writeFileSync(join(outside, "note"), "stays");
  mkdirSync(join(root, "work"));
  symlinkSync(outside, join(root, "work", "out"));
  fill(join(root, "work"), 300);
  await setAside(root, "work");
  expect(existsSync(join(root, "work"))).toBe(false);
  expect(await removeAsides(root, { ...everything })).toEqual([]);
  expect(left(root)).toEqual([]);
  expect(readFileSync(join(outside, "note"), "utf8")).toBe("stays");
  expect(existsSync("/etc/passwd")).toBe(true);
});

test.each([1, 7, 100])("with %i entries at a time it takes longer, and ends the same", async (entries) => {
  const root = makeRoot();
  fill(join(root, "work"), 10);
  await setAside(root, "work");
  let rounds = 0;
  for (; left(root).length > 0; rounds += 1) {
    expect(rounds).toBeLessThan(500);
    await removeAsides(root, { entries: Math.max(entries, 3) });
  }
  expect(rounds).toBeGreaterThan(entries === 100 ? 0 : 5);
});

test("a symlink in a folder's place stays, and so does what it points to", async () => {
  const root = makeRoot();
  mkdirSync(join(root, "real"));
  symlinkSync(join(root, "real"), join(root, "work"));
  await expect(setAside(root, "work")).rejects.toThrow("is not a folder; left alone");
  expect(lstatSync(join(root, "work")).isSymbolicLink()).toBe(true);
  symlinkSync(join(root, "real"), join(root, ASIDE_FOLDER));
  mkdirSync(join(root, "other"));
  await expect(setAside(root, "other")).rejects.toThrow("is not a folder");
  writeFileSync(join(root, "real", "note"), "stays");
  expect(await removeAsides(root, { ...everything })).toEqual([]);
  expect(readFileSync(join(root, "real", "note"), "utf8")).toBe("stays");
});

test("a folder without anything set aside has nothing to remove, and what somebody else put there stays", async () => {
  const root = makeRoot();
  expect(await removeAsides(root, { ...everything })).toEqual([]);
  mkdirSync(join(root, ASIDE_FOLDER, "theirs"), { recursive: true });
  expect(await removeAsides(root, { ...everything })).toEqual([]);
  expect(left(root)).toEqual(["theirs"]);
});

test("a folder of what was set aside that can't be looked at is told, and is no reason to stop", async () => {
  // For root there is no folder without permission; a name that no file system takes is refused to everybody.
  const root = join(makeRoot(), "x".repeat(300));
  expect(await removeAsides(root, { ...everything })).toEqual([
    expect.stringMatching(/\.openclaw-removing can't be removed: its name is too long$/),
  ]);
});

test("a folder's size is what its files take on disk, links not followed, and says when it is not all", async () => {
  const root = makeRoot();
  for (const name of ["one", "two"]) {
    mkdirSync(join(root, name, "deep"), { recursive: true });
    writeFileSync(join(root, name, "deep", "file"), Buffer.alloc(1_048_576, 1));
    symlinkSync("/usr", join(root, name, "link"));
  }
  const signal = AbortSignal.timeout(10_000);
  const whole = await measureFolder(root, { entries: 1_000, signal });
  expect(whole.complete).toBe(true);
  expect(whole.bytes).toBeGreaterThanOrEqual(2 * 1_048_576);
  expect(whole.bytes).toBeLessThan(3 * 1_048_576);
  expect(await measureFolder(root, { entries: 3, signal })).toMatchObject({ complete: false });
  expect(await measureFolder(root, { entries: 1_000, signal: AbortSignal.abort() })).toMatchObject({ complete: false });
  expect(await measureFolder(join(root, "one", "link"), { entries: 10, signal })).toEqual({ bytes: 0, complete: true });
});

test("one call does no more than it may: what is left over is for the next one", async () => {
  const root = makeRoot();
  mkdirSync(join(root, "work"));
  for (let file = 0; file < 50; file += 1) writeFileSync(join(root, "work", `file-${file}`), "");
  await setAside(root, "work");
  const budget = { entries: 11 };
  expect(await removeAsides(root, budget)).toEqual([]);
  const [aside = ""] = left(root);
  // One for the folder itself.
  expect([budget.entries, readdirSync(join(root, ASIDE_FOLDER, aside)).length]).toEqual([0, 40]);
});
