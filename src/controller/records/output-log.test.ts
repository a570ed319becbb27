// What is kept of what commands print: whole lines, without secrets, and never more than the limits.
import { expect, test } from "vitest";
import { toEpochMs, toSandboxName } from "../../api/brands.ts";
import { OutputLog, type RunFacts } from "./output-log.ts";

const NAME = toSandboxName("sbx-a");
const OTHER = toSandboxName("sbx-b");
const FACTS: RunFacts = { source: "exec", note: "sh", hidden: [] };
const LIMITS = { sandboxBytesMax: 10_000, bytesMax: 25_000, rateBytesMax: 4_000 };

function open(limits = LIMITS) {
  const time = { now: 1_000 };
  const log = new OutputLog(() => toEpochMs(time.now), limits);
  const texts = (name = NAME): string[] => log.list(name, 0).items.map(({ stream, text }) => `${stream}: ${text}`);
  return { log, time, texts };
}

test("lines are whole however they come, and the rest is told at the end", () => {
  const { log, texts } = open();
  const run = log.begin(NAME, FACTS);
  const bytes = Buffer.from("grüße\r\nzwei\nrest");
  for (const byte of bytes) run.write("stdout", Buffer.of(byte));
  run.write("stderr", Buffer.from("oh\n"));
  expect(texts()).toEqual(["note: sh", "stdout: grüße", "stdout: zwei", "stderr: oh"]);
  run.end("exit code 0");
  run.end("again");
  run.write("stdout", Buffer.from("late\n"));
  expect(texts().slice(4)).toEqual(["stdout: rest", "note: exit code 0"]);
});

test("values of variables are hidden in every line, the longest first, and each line of one that has several", () => {
  const { log, texts } = open();
  const run = log.begin(NAME, { ...FACTS, note: "echo s3cr3t-long", hidden: ["s3cr3t", "s3cr3t-long", "on", "first part\nsecond part"] });
  run.write("stdout", Buffer.from("a s3cr"));
  run.write("stdout", Buffer.from("3t b s3cr3t-long on\nthe second part\n"));
  expect(texts()).toEqual(["note: echo (hidden)", "stdout: a (hidden) b (hidden) on", "stdout: the (hidden)"]);
});

test("binary output is named, once, and not kept", () => {
  const { log, texts } = open();
  const run = log.begin(NAME, FACTS);
  run.write("stdout", Buffer.from([1, 0, 2]));
  run.write("stdout", Buffer.from("text\n"));
  run.end("exit code 0");
  expect(texts()).toEqual(["note: sh", "note: binary output is not shown", "note: exit code 0"]);
});

test("a sandbox's oldest lines go first, which is said, and of all sandboxes the one that was silent longest", () => {
  const { log, time, texts } = open({ ...LIMITS, rateBytesMax: 1_000_000 });
  const [run, other] = [log.begin(NAME, FACTS), log.begin(OTHER, FACTS)];
  for (let at = 0; at < 100; at += 1) run.write("stdout", Buffer.from(`${"x".repeat(100)} ${at}\n`));
  expect(log.list(NAME, 0).truncated).toBe(true);
  expect(texts().at(-1)).toMatch(/x 99$/);
  expect(texts().length).toBeLessThan(40);
  for (let at = 0; at < 100; at += 1) other.write("stdout", Buffer.from(`${"y".repeat(100)}\n`));
  log.begin(toSandboxName("sbx-c"), FACTS).write("stdout", Buffer.from(`${"z".repeat(4_000)}\n`));
  time.now += 1;
  expect([texts().length, texts(OTHER).length > 10]).toEqual([0, true]);
});

test("what comes too fast is counted, and the next second is shown again", () => {
  const { log, time, texts } = open();
  const run = log.begin(NAME, FACTS);
  run.write("stdout", Buffer.from("first\n"));
  run.write("stdout", Buffer.alloc(5_000, "x"));
  time.now += 1_000;
  run.write("stdout", Buffer.from("second\n"));
  expect(texts()).toEqual(["note: sh", "stdout: first", "note: 5000 bytes came too fast and are not shown", "stdout: second"]);
});

test("a follower is called for its sandbox, gets what is new, and everything after a restart of ids", () => {
  const { log } = open();
  let rings = 0;
  const stop = log.subscribe(NAME, () => {
    rings += 1;
  });
  log.begin(OTHER, FACTS);
  const run = log.begin(NAME, FACTS);
  const { lastId } = log.list(NAME, 0);
  run.write("stdout", Buffer.from("one\n"));
  expect(log.list(NAME, lastId).items.map(({ text }) => text)).toEqual(["one"]);
  expect(log.list(NAME, lastId + 100).items).toHaveLength(2);
  stop();
  run.write("stdout", Buffer.from("two\n"));
  expect(rings).toBe(2);
  log.remove(NAME);
  expect(log.list(NAME, 0).items).toEqual([]);
});
