// Which looks at folders are made at once, and which aside: only a disk of this host can't be away.
import { mkdtempSync, type Stats } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { FolderLooks, lookAside, UNFOLLOWED } from "./folder-looks.ts";

const LINUX_ONLY = "only Linux numbers disks so that they are told apart";
const DISK = 0xfd01;
/** As Linux numbers a network share. */
const SHARE = 0x2d;
const factsOf = (dev: number, isFolder = true): Stats => ({ dev, isDirectory: () => isFolder }) as Stats;

function makeLooks(devices: Map<string, number>) {
  const made: string[] = [];
  const facts = (path: string): Stats | null => (devices.has(path) ? factsOf(devices.get(path) ?? 0) : null);
  const looks = new FolderLooks({
    aside: async (path) => {
      made.push(`aside ${path}`);
      return facts(path);
    },
    atOnce: (path) => {
      made.push(`at once ${path}`);
      return facts(path);
    },
  });
  return { made, look: async (path: string) => (await looks.look(path))?.dev ?? null };
}

test("a folder on a disk is looked at aside once, and at once from then on", async ({ skip }) => {
  if (process.platform !== "linux") skip(LINUX_ONLY);
  const { made, look } = makeLooks(new Map([["/a", DISK]]));
  expect([await look("/a"), await look("/a"), await look("/a")]).toEqual([DISK, DISK, DISK]);
  expect(made).toEqual(["aside /a", "at once /a", "at once /a"]);
});

test("a folder on a share is always looked at aside, and so is what is not there, but for a folder on a disk", async () => {
  const { made, look } = makeLooks(new Map([["/share", SHARE]]));
  for (const path of ["/share", "/share/none", "/none/none"]) {
    made.length = 0;
    expect([await look(path), await look(path)]).toEqual(path === "/share" ? [SHARE, SHARE] : [null, null]);
    expect(made.filter((one) => one.startsWith("at once"))).toEqual([]);
  }
});

test("what is not there in a folder on a disk is looked at at once, until it comes, or its folder is another one", async ({ skip }) => {
  if (process.platform !== "linux") skip(LINUX_ONLY);
  const devices = new Map([["/a", DISK]]);
  const { made, look } = makeLooks(devices);
  expect([await look("/a/b"), await look("/a/b")]).toEqual([null, null]);
  expect(made).toEqual(["aside /a/b", "aside /a", "at once /a", "at once /a/b"]);
  devices.set("/a/b", DISK);
  expect([await look("/a/b"), await look("/a/b")]).toEqual([DISK, DISK]);
  devices.delete("/a/b");
  expect([await look("/a/b"), await look("/a/b")]).toEqual([null, null]);
  devices.set("/a", SHARE);
  made.length = 0;
  expect([await look("/a/b"), await look("/a/b")]).toEqual([null, null]);
  expect(made).toEqual(["at once /a", "aside /a/b", "aside /a", "aside /a/b", "aside /a"]);
});

test("what is not there behind a link is looked at aside: it may lead to a share", async () => {
  const made: string[] = [];
  const aside = async (path: string): Promise<Stats | null> => (path === "/link" ? factsOf(DISK, false) : null);
  const atOnce = (path: string): null => {
    made.push(path);
    return null;
  };
  const { look } = new FolderLooks({ aside, atOnce });
  for (let round = 1; round <= 3; round += 1) expect(await look("/link/none")).toBeNull();
  expect(made).toEqual([]);
});

test("a share that is mounted over a folder, or a folder that goes, is looked at aside after one look", async ({ skip }) => {
  if (process.platform !== "linux") skip(LINUX_ONLY);
  const devices = new Map([
    ["/a", DISK],
    ["/b", DISK],
  ]);
  const { made, look } = makeLooks(devices);
  for (const path of ["/a", "/b"]) await look(path);
  devices.set("/a", SHARE).delete("/b");
  made.length = 0;
  for (const path of ["/a", "/a", "/b", "/b"]) await look(path);
  expect(made).toEqual(["at once /a", "aside /a", "at once /b", "aside /b", "aside /"]);
});

test("a look at once and one aside see the same, also of what is not there", async () => {
  const folder = mkdtempSync(join(tmpdir(), "openclaw-looks-"));
  try {
    const { look } = new FolderLooks(UNFOLLOWED);
    const asIs = await lookAside(folder);
    for (let round = 1; round <= 2; round += 1)
      expect(await look(folder)).toMatchObject({ ino: asIs?.ino, mode: asIs?.mode, uid: asIs?.uid });
    expect(await lookAside(join(folder, "none"))).toBeNull();
    await rm(folder, { recursive: true });
    expect(await look(folder)).toBeNull();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
