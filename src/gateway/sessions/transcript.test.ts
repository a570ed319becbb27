// Transcripts as files on a disk: what is answered for is there, what a crash cut short is not.
import { execFile } from "node:child_process";
import { appendFile, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { toEpochMs } from "../../api/brands.ts";
import { createFolder } from "../../api/store/folder.fixture.ts";
import { Transcript } from "./transcript.ts";

const at = toEpochMs(Date.UTC(2026, 0, 31, 12));
const say = (text: string) => ({ at, role: "user" as const, text, from: null });

test("messages are numbered without gaps, also over a restart, and read page by page", async () => {
  const path = join(await createFolder(), "sessions", "a.jsonl");
  const first = await Transcript.open(path);
  expect(await first.read({ after: 0, limit: 10 })).toEqual([]);
  await Promise.all(["one", "two\nlines", "drei \u{1f980}"].map((text) => first.append(say(text))));
  const again = await Transcript.open(path);
  expect((await again.append(say("four"))).id).toBe(4);
  expect((await again.read({ after: 1, limit: 2 })).map(({ id, text }) => [id, text])).toEqual([
    [2, "two\nlines"],
    [3, "drei \u{1f980}"],
  ]);
  expect(await again.read({ after: 4, limit: 10 })).toEqual([]);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});

test("a page holds some megabytes at most, and the next one goes on after it", async () => {
  const transcript = await Transcript.open(join(await createFolder(), "a.jsonl"));
  for (let id = 1; id <= 7; id += 1) await transcript.append(say(String(id).repeat(1_048_576)));
  const ids: number[][] = [];
  for (let after = 0; after < 7; after = ids.at(-1)?.at(-1) ?? 7)
    ids.push((await transcript.read({ after, limit: 5 })).map(({ id }) => id));
  expect(ids).toEqual([[1, 2, 3], [4, 5, 6], [7]]);
  // One that is larger than a page is a page.
  await transcript.append(say("\u0001".repeat(1_048_576)));
  expect(await transcript.read({ after: 7, limit: 5 })).toMatchObject([{ id: 8 }]);
});

test.each([
  ["half a line", '{"id":3,"at":1,"role":"user","te'],
  ["a line without its newline", JSON.stringify({ id: 3, at, role: "user", text: "whole but not ended", from: null })],
  ["a line that is there in length only, as after a power cut", `${"\0".repeat(80)}\n`],
  ["half a character", Buffer.from([0x7b, 0x22, 0xf0, 0x9f])],
])("%s at the end is cut off at the first look, and the next message is whole", async (_, torn) => {
  const path = join(await createFolder(), "a.jsonl");
  const before = await Transcript.open(path);
  for (const text of ["one", "two"]) await before.append(say(text));
  await appendFile(path, torn);
  const after = await Transcript.open(path);
  expect(after.count).toBe(2);
  await after.append(say("three"));
  const lines = (await readFile(path, "utf8")).trimEnd().split("\n");
  expect(lines.map((line) => JSON.parse(line).text)).toEqual(["one", "two", "three"]);
});

test("a symlink in its place is refused and what it names left alone", async () => {
  const folder = await createFolder();
  await writeFile(join(folder, "victim"), "untouched");
  await symlink(join(folder, "victim"), join(folder, "a.jsonl"));
  await expect(Transcript.open(join(folder, "a.jsonl"))).rejects.toMatchObject({ code: "HostRejected" });
  expect(await readFile(join(folder, "victim"), "utf8")).toBe("untouched");
});

/** Appends until it is refused, then prints how many it was answered for and how many are there. */
const FILLER = `
const [path, module] = process.argv.slice(1);
const { Transcript } = await import(module);
const transcript = await Transcript.open(path);
let answered = 0;
try {
  for (;;) answered = (await transcript.append({ at: 0, role: "user", text: "x".repeat(3000), from: null })).id;
} catch (error) {
  const again = await Transcript.open(path);
  console.log(JSON.stringify({ code: error.code, answered, there: (await again.read({ after: 0, limit: 1000 })).length }));
}
`;

test("a disk that takes only a part of a message refuses it, and has every one that was answered for", async () => {
  const path = join(await createFolder(), "a.jsonl");
  // The limit on a file's size is to a process what a full disk is: the last write is cut short, and only the next one fails.
  const limited = ["-c", 'ulimit -f 100; exec "$@"', "sh", process.execPath, "--input-type=module", "-e", FILLER];
  const { stdout } = await promisify(execFile)("sh", [...limited, path, new URL("transcript.ts", import.meta.url).href]);
  const { code, answered, there } = JSON.parse(stdout);
  expect([code, there]).toEqual(["HostRejected", answered]);
  expect(answered).toBeGreaterThan(3);
});
