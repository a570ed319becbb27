// Changes real folders in every way that editors, gateways and operators do, and waits until the watch says so.
import { execFileSync } from "node:child_process";
import { mkdir, rename, rm, symlink, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { replaceFile } from "./atomic-file.ts";
import { createFolder, eventually } from "./folder.fixture.ts";
import { type FolderHint, watchFolder } from "./folder-watch.ts";

/** Enough for the kernel's watch to begin, for what it heard to be told, and once more to be sure. */
const LOOKS = 4;

/** A watch that has begun; what it said since is in `hints`. */
async function startWatch(folder: string) {
  const hints: FolderHint[] = [];
  let looks = 0;
  const abort = new AbortController();
  onTestFinished(() => abort.abort());
  watchFolder({
    // Each look begins with it.
    get folder() {
      looks += 1;
      return folder;
    },
    changed: (hint) => hints.push(hint),
    signal: abort.signal,
    pollMs: 30,
  });
  /** What is in `hints` after this is about changes after this. */
  const settle = async (): Promise<void> => {
    const before = looks;
    await eventually("the watch looked a few times more", () => looks >= before + LOOKS);
    hints.length = 0;
  };
  await eventually("the first hint is a relist", () => hints[0]?.kind === "relist");
  await settle();
  const tells = (name: string): boolean => hints.some((hint) => hint.kind === "relist" || hint.names.has(name));
  const relists = (): boolean => hints.some((hint) => hint.kind === "relist");
  return { hints, abort, tells, relists, settle, looks: () => looks };
}

describe("a watched folder tells", () => {
  test.each([
    ["a new file", async (path: string) => writeFile(path, "1")],
    ["a file that is replaced atomically", async (path: string) => replaceFile(path, "2", { durable: false })],
    [
      "a file that an editor moves away and writes anew",
      async (path: string) => {
        await writeFile(path, "1");
        await rename(path, `${path}~`);
        await writeFile(path, "2");
      },
    ],
    ["a file that is truncated and written in place", async (path: string) => writeFile(path, "3", { flag: "w" })],
    ["a file that is appended to", async (path: string) => writeFile(path, "4", { flag: "a" })],
    ["a symlink", async (path: string) => symlink("/etc/hostname", path)],
  ])("%s", async (_what, change) => {
    const folder = await createFolder();
    const { hints, tells } = await startWatch(folder);
    await change(join(folder, "object.json"));
    await eventually("object.json is told", () => tells("object.json"));
    expect(hints.every(({ kind }) => kind === "names")).toBe(true);
  });

  test("a file that is removed", async () => {
    const folder = await createFolder();
    await writeFile(join(folder, "a"), "");
    const { tells } = await startWatch(folder);
    await unlink(join(folder, "a"));
    await eventually("a is told", () => tells("a"));
  });

  test("a burst of changes in few words", async () => {
    const folder = await createFolder();
    const { hints, tells } = await startWatch(folder);
    for (let file = 0; file < 200; file += 1) await writeFile(join(folder, `file-${file}`), "");
    await eventually("the last file is told", () => tells("file-199"));
    expect(hints.length).toBeLessThan(100);
  });

  test("to look at everything when more changed than names are kept", async () => {
    const folder = await createFolder();
    const { relists } = await startWatch(folder);
    execFileSync("sh", ["-c", `i=0; while [ $i -lt 1500 ]; do : > "$1/f$i"; i=$((i+1)); done`, "sh", folder]);
    await eventually("a relist", relists);
  });

  test("nothing while nothing changes", async () => {
    const { hints, looks } = await startWatch(await createFolder());
    const before = looks();
    await eventually("the watch looked ten times more", () => looks() >= before + 10);
    expect(hints).toEqual([]);
  });

  test("nothing after its end", async () => {
    const folder = await createFolder();
    const ended = await startWatch(folder);
    const other = await startWatch(folder);
    ended.abort.abort();
    await writeFile(join(folder, "a"), "");
    await eventually("a watch that goes on tells a", () => other.tells("a"));
    expect(ended.hints).toEqual([]);
  });
});

describe("a watch outlives", () => {
  test("a folder that is not there yet", async () => {
    const folder = join(await createFolder(), "agents", "main", "sessions");
    const { tells, relists, settle } = await startWatch(folder);
    await mkdir(folder, { recursive: true });
    await eventually("a relist", relists);
    await settle();
    await writeFile(join(folder, "a"), "");
    await eventually("a is told", () => tells("a"));
  });

  test("the folder's removal and return", async () => {
    const folder = join(await createFolder(), "sessions");
    await mkdir(folder);
    const { tells, relists, settle } = await startWatch(folder);
    await rm(folder, { recursive: true });
    await eventually("a relist at the removal", relists);
    await settle();
    await mkdir(folder);
    await writeFile(join(folder, "a"), "");
    await eventually("a relist at the return", relists);
    await settle();
    await writeFile(join(folder, "b"), "");
    await eventually("b is told", () => tells("b"));
  });

  test("another folder that is moved to its place", async () => {
    const parent = await createFolder();
    await mkdir(join(parent, "sessions"));
    await mkdir(join(parent, "other"));
    const { tells, relists, settle } = await startWatch(join(parent, "sessions"));
    await rename(join(parent, "sessions"), join(parent, "old"));
    await rename(join(parent, "other"), join(parent, "sessions"));
    await eventually("a relist", relists);
    await settle();
    await writeFile(join(parent, "sessions", "a"), "");
    await eventually("a is told", () => tells("a"));
  });

  test("a file in the folder's place", async () => {
    const folder = join(await createFolder(), "sessions");
    await writeFile(folder, "");
    const { relists } = await startWatch(folder);
    await unlink(folder);
    await mkdir(folder);
    await eventually("a relist", relists);
  });
});

test("a hundred watches wake the process once for each round of looks", async () => {
  const timers = [vi.spyOn(globalThis, "setInterval"), vi.spyOn(globalThis, "setTimeout")];
  const abort = new AbortController();
  onTestFinished(() => abort.abort());
  const folders = await Promise.all(Array.from({ length: 100 }, () => createFolder()));
  const heard = new Set<string>();
  for (const folder of folders) watchFolder({ folder, changed: () => void heard.add(folder), signal: abort.signal, pollMs: 21 });
  await eventually("each has looked", () => heard.size === folders.length);
  heard.clear();
  await Promise.all(folders.map((folder) => rm(folder, { recursive: true })));
  await eventually("each has looked again", () => heard.size === folders.length);
  const ofRounds = timers.flatMap(({ mock }) => mock.calls).filter(([, ms]) => ms === 21);
  for (const timer of timers) timer.mockRestore();
  expect(ofRounds).toHaveLength(1);
});
