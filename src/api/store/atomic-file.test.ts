// Looks at real files: what a replaced one holds, what a crash leaves, and what is refused when strangers put something else there.
import { execFileSync, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, mkdir, readdir, readFile, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { MINUTE_MS, toEpochMs } from "../brands.ts";
import { OperationError } from "../errors.ts";
import { isTemporaryName, readBounded, removeFile, replaceFile, sweepTemporaries, toFileError } from "./atomic-file.ts";
import { createFolder, eventually } from "./folder.fixture.ts";

describe("a replaced file", () => {
  test("holds the new content, is only its owner's, and leaves nothing beside it", async () => {
    const folder = await createFolder();
    const path = join(folder, "object.json");
    await replaceFile(path, "one", { durable: true });
    await replaceFile(path, "two", { durable: false });
    expect(await readFile(path, "utf8")).toBe("two");
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(folder)).toEqual(["object.json"]);
  });

  test("is whole for whoever reads it while it is replaced by several writers", async () => {
    const folder = await createFolder();
    const path = join(folder, "object.json");
    const contents = ["a", "b", "c", "d"].map((letter) => letter.repeat(50_000));
    await replaceFile(path, contents[0] ?? "", { durable: false });
    let writing = true;
    const reads: string[] = [];
    const reader = (async () => {
      while (writing) reads.push(await readFile(path, "utf8"));
    })();
    await Promise.all(
      contents.map(async (content) => {
        for (let write = 0; write < 50; write += 1) await replaceFile(path, content, { durable: false });
      }),
    );
    writing = false;
    await reader;
    expect(reads.every((read) => contents.includes(read))).toBe(true);
    expect(await readdir(folder)).toEqual(["object.json"]);
  });

  test("takes the place of a symlink and leaves what the link named alone", async () => {
    const folder = await createFolder();
    await writeFile(join(folder, "victim"), "untouched");
    await symlink(join(folder, "victim"), join(folder, "object.json"));
    await replaceFile(join(folder, "object.json"), "mine", { durable: false });
    expect(await readFile(join(folder, "victim"), "utf8")).toBe("untouched");
    expect(await readFile(join(folder, "object.json"), "utf8")).toBe("mine");
  });

  test("is written by way of a name that nobody can take first: no number that can be counted or read off a clock", async () => {
    const folder = await createFolder();
    const victim = join(folder, "victim");
    await writeFile(victim, "untouched");
    const wallClock = vi.spyOn(Date, "now").mockReturnValue(1_000_000);
    onTestFinished(() => wallClock.mockRestore());
    const guesses = [...Array.from({ length: 100 }, (_, index) => index), Date.now(), Date.now() / 1_000];
    const names = guesses.map((guess) => `.object.json.${process.pid}-${guess}.tmp`);
    await Promise.all([...names, ".object.json.tmp"].map((name) => symlink(victim, join(folder, name))));
    for (let write = 0; write < 20; write += 1)
      await expect(replaceFile(join(folder, "object.json"), "mine", { durable: false })).resolves.toBeUndefined();
    expect(await readFile(victim, "utf8")).toBe("untouched");
    expect((await readdir(folder)).length).toBe(names.length + 3);
  });

  test("is not written where somebody has taken the name after all: what is there stays as it is", async () => {
    const folder = await createFolder();
    const victim = join(folder, "victim");
    await writeFile(victim, "untouched");
    await symlink(victim, join(folder, `.object.json.${process.pid}-7.tmp`));
    const clock = vi.spyOn(process.hrtime, "bigint").mockReturnValue(7n);
    onTestFinished(() => clock.mockRestore());
    await expect(replaceFile(join(folder, "object.json"), "mine", { durable: false })).rejects.toThrow("something else is there");
    expect(await readFile(victim, "utf8")).toBe("untouched");
    expect(existsSync(join(folder, "object.json"))).toBe(false);
  });

  test("that can't be written is an operating error that names it, and leaves nothing behind", async () => {
    const folder = await createFolder();
    await mkdir(join(folder, "taken"));
    await expect(replaceFile(join(folder, "taken"), "x", { durable: true })).rejects.toThrow(OperationError);
    await expect(replaceFile(join(folder, "nowhere", "a"), "x", { durable: true })).rejects.toThrow("its folder does not exist");
    expect(await readdir(folder)).toEqual(["taken"]);
  });

  test("is the old or the new one after a kill -9 of its writer, and the leftover is swept once it is old", async () => {
    const folder = await createFolder();
    const path = join(folder, "object.json");
    await replaceFile(path, "0", { durable: false });
    const script = `const { replaceFile } = await import(${JSON.stringify(new URL("atomic-file.ts", import.meta.url).href)});
      const content = "x".repeat(8_000_000);
      for (;;) await replaceFile(${JSON.stringify(path)}, content, { durable: false });`;
    const writer = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: "ignore" });
    onTestFinished(() => void writer.kill("SIGKILL"));
    await eventually("the writer is in the middle of a write", async () => (await readdir(folder)).some(isTemporaryName));
    writer.kill("SIGKILL");
    await eventually("the writer is dead", () => writer.signalCode === "SIGKILL");
    expect([1, 8_000_000]).toContain((await stat(path)).size);
    // Whether the kill hit between two writes is chance: a leftover is put there in any case.
    await writeFile(join(folder, ".object.json.1-2.tmp"), "{");
    const later = toEpochMs(Date.now() + 2 * MINUTE_MS);
    expect(await sweepTemporaries(folder, MINUTE_MS, toEpochMs(Date.now()))).toBe(0);
    expect(await sweepTemporaries(folder, MINUTE_MS, later)).toBeGreaterThanOrEqual(1);
    expect(await readdir(folder)).toEqual(["object.json"]);
  });
});

test("a sweep removes nothing but old leftovers of writers, and a missing folder has none", async () => {
  const folder = await createFolder();
  const names = [".hidden", "a.tmp", ".object.json.12.tmp", "object.json"];
  for (const name of names) {
    await writeFile(join(folder, name), "");
    await utimes(join(folder, name), 0, 0);
  }
  expect(await sweepTemporaries(folder, MINUTE_MS, toEpochMs(Date.now()))).toBe(0);
  expect(await sweepTemporaries(join(folder, "missing"), MINUTE_MS, toEpochMs(Date.now()))).toBe(0);
  expect((await readdir(folder)).sort()).toEqual([...names].sort());
});

test("removing a file says whether it was there", async () => {
  const folder = await createFolder();
  await writeFile(join(folder, "a"), "");
  expect(await removeFile(join(folder, "a"))).toBe(true);
  expect(await removeFile(join(folder, "a"))).toBe(false);
  await expect(removeFile(folder)).rejects.toThrow(OperationError);
});

describe("reading a file of a stranger", () => {
  const read = async (make: (path: string) => Promise<unknown> | unknown, bytesMax = 100) => {
    const path = join(await createFolder(), "file");
    await make(path);
    return await readBounded(path, bytesMax);
  };

  test("gives its text and the facts that tell one content from another", async () => {
    const found = await read((path) => writeFile(path, "Grüße"));
    expect(found).toMatchObject({ kind: "read", text: "Grüße", facts: { bytes: 7 } });
    expect(await read((path) => writeFile(path, ""))).toMatchObject({ kind: "read", text: "" });
    expect(await read((path) => writeFile(path, "x".repeat(100)))).toMatchObject({ kind: "read" });
  });

  test("tells a missing one from one that can't be read", async () => {
    expect(await read(() => undefined)).toEqual({ kind: "missing" });
    expect(await readBounded("/dev/null/x", 10)).toEqual({ kind: "missing" });
  });

  test("refuses one over the limit", async () => {
    expect(await read((path) => writeFile(path, "x".repeat(101)))).toMatchObject({
      kind: "unreadable",
      message: "it is larger than 100 bytes",
    });
  });

  test("refuses a symlink, also to a file that would do, and one to nowhere", async () => {
    expect(await read((path) => symlink("/etc/hostname", path))).toMatchObject({ kind: "unreadable", message: "it is a symbolic link" });
    expect(await read((path) => symlink("/nowhere", path))).toMatchObject({ kind: "unreadable" });
  });

  test("refuses a FIFO without waiting for its writer, a folder, a device and a socket", async () => {
    const irregular = { kind: "unreadable", message: "it is not a regular file" };
    expect(await read((path) => execFileSync("mkfifo", [path]))).toMatchObject(irregular);
    expect(await read((path) => mkdir(path))).toMatchObject(irregular);
    expect(await readBounded("/dev/zero", 100)).toMatchObject(irregular);
    const listen = (path: string): Promise<void> =>
      new Promise((resolve) => {
        const server = createServer().listen(path, () => resolve());
        onTestFinished(() => void server.close());
      });
    expect(await read(listen)).toMatchObject(irregular);
  });

  test("refuses what is not UTF-8", async () => {
    expect(await read((path) => writeFile(path, Buffer.from([0xff, 0xfe, 0x00])))).toMatchObject({ message: "it is not UTF-8 text" });
  });

  test("refuses what it may not read", async (context) => {
    if (process.getuid?.() === 0) context.skip("root may read everything");
    const make = async (path: string): Promise<void> => {
      await writeFile(path, "secret");
      await chmod(path, 0);
    };
    expect(await read(make)).toMatchObject({ kind: "unreadable", message: "permission denied" });
  });
});

test.each([
  ["write", "EACCES", "owner"],
  ["write", "EROFS", "can be written"],
  ["remove", "ENOSPC", "df -h"],
  ["read", "EACCES", undefined],
] as const)("what a person can do about a file that can't be used is said: %s, %s", (verb, code, fix) => {
  const error = toFileError(verb, "/x", Object.assign(new Error(code), { code }));
  expect(error).toMatchObject({ fix: fix === undefined ? undefined : expect.stringContaining(fix) });
});
