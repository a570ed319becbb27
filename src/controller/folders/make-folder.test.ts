// Folders for sandboxes' users: who gets them, what a crash leaves, and what is left alone. Attacks on them are test/attacks/folders.test.ts.
import { chmodSync, chownSync, lstatSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { closeFolder, isUnfinished, makeFolderFor, openOrMakeFolder } from "./make-folder.ts";

const OWNER = { uid: 61_234, gid: 61_235 };
const isRoot = process.getuid?.() === 0;
const anywhere = async (): Promise<null> => null;

let ground = "";
beforeEach(() => {
  ground = realpathSync(mkdtempSync(join(tmpdir(), "openclaw-make-")));
  onTestFinished(() => rmSync(ground, { recursive: true, force: true }));
});

async function make(...names: string[]): Promise<string> {
  const path = join(ground, ...names);
  await using parent = await openOrMakeFolder(join(path, ".."), 0o755, anywhere);
  await makeFolderFor(parent, names.at(-1) ?? "", OWNER);
  const { uid, gid, mode } = lstatSync(path);
  return `${uid}:${gid} ${(mode & 0o7777).toString(8)}`;
}

const OWNED = isRoot ? `${OWNER.uid}:${OWNER.gid} 700` : `${process.getuid?.()}:${process.getgid?.()} 700`;

test("a folder that is missing is made for its owner alone, and so are those above it for this process", async () => {
  expect(await make("a", "b", "c")).toBe(OWNED);
  expect(lstatSync(join(ground, "a")).uid).toBe(process.getuid?.());
  expect(await make("a", "b", "c")).toBe(OWNED);
});

test("a folder that a crash left before it was given away is finished, and serves", async ({ skip }) => {
  skip(!isRoot, "only root gives folders away");
  for (const [name, uid] of [
    ["made", 0],
    ["given", OWNER.uid],
  ] as const) {
    mkdirSync(join(ground, name));
    chownSync(join(ground, name), uid, uid === 0 ? 0 : OWNER.gid);
    chmodSync(join(ground, name), 0o000);
    expect(isUnfinished(lstatSync(join(ground, name)))).toBe(true);
    expect(await make(name)).toBe(OWNED);
  }
});

test("what is there stays as it is, and is given to nobody", async () => {
  mkdirSync(join(ground, "theirs"), { mode: 0o755 });
  const before = lstatSync(join(ground, "theirs"));
  await make("theirs");
  symlinkSync("/etc", join(ground, "link"));
  await make("link");
  const after = lstatSync(join(ground, "theirs"));
  expect([after.uid, after.mode, lstatSync(join(ground, "link")).isSymbolicLink()]).toEqual([before.uid, before.mode, true]);
});

test("a folder of root's that is closed and holds something is not given away, and that is told", async ({ skip }) => {
  skip(!isRoot, "only root gives folders away");
  mkdirSync(join(ground, "kept"));
  writeFileSync(join(ground, "kept", "file"), "");
  chmodSync(join(ground, "kept"), 0o000);
  await expect(make("kept")).rejects.toThrow("is closed to everyone; open it with chmod 700");
  expect(lstatSync(join(ground, "kept")).uid).toBe(0);
});

test("links above are followed, and each folder that holds one is judged, as is where they end", async () => {
  mkdirSync(join(ground, "real", "inner"), { recursive: true });
  symlinkSync("real", join(ground, "relative"));
  symlinkSync(`${ground}/relative/../real`, join(ground, "absolute"));
  const judged: string[] = [];
  const judge = async (place: string): Promise<null> => {
    judged.push(place);
    return null;
  };
  await using _ = await openOrMakeFolder(join(ground, "absolute", "inner", "new"), 0o755, judge);
  expect(judged).toEqual([ground, ground, join(ground, "real", "inner", "new")]);
  expect(lstatSync(join(ground, "real", "inner", "new")).isDirectory()).toBe(true);
  await expect(openOrMakeFolder(join(ground, "absolute", "x"), 0o755, async () => "not here")).rejects.toThrow("not here");
});

test("a folder that other users of the host reach is closed to them, what a link leads to and what is somebody else's is not", async () => {
  const [open, theirs] = [join(ground, "open"), join(ground, "theirs")];
  for (const path of [open, theirs]) {
    mkdirSync(path);
    chmodSync(path, 0o2755);
  }
  symlinkSync(theirs, join(ground, "link"));
  expect([await closeFolder(open), await closeFolder(open)]).toEqual([true, false]);
  expect(await closeFolder(join(ground, "link"))).toBe(false);
  expect(await closeFolder(join(ground, "missing"))).toBe(false);
  if (isRoot) {
    chownSync(theirs, OWNER.uid, OWNER.gid);
    expect(await closeFolder(theirs)).toBe(false);
  }
  expect([open, theirs].map((path) => (lstatSync(path).mode & 0o777).toString(8))).toEqual(["700", "755"]);
});

test("links in a circle and files on the way are refused with the name", async () => {
  symlinkSync(join(ground, "two"), join(ground, "one"));
  symlinkSync(join(ground, "one"), join(ground, "two"));
  writeFileSync(join(ground, "file"), "");
  await expect(make("one", "x")).rejects.toThrow("its symlinks form a loop");
  await expect(make("file", "x")).rejects.toThrow("file is not a folder");
});

test("a folder that many make at the same time, with those above it, is there for each of them", async () => {
  for (let round = 0; round < 40; round += 1) {
    const path = join(ground, `round-${round}`, "shared");
    const opened = await Promise.all(Array.from({ length: 16 }, () => openOrMakeFolder(path, 0o700, anywhere)));
    for (const { handle } of opened) await handle.close();
  }
});
