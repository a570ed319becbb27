// Looks at events as people and followers read them, before and after restarts, crashes and floods.
import { appendFile, mkdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { MINUTE_MS } from "../../api/brands.ts";
import { EVENT_MESSAGE_LENGTH_MAX, EVENTS_MAX, type SandboxEvent } from "../../api/event.ts";
import { createFolder } from "../../api/store/folder.fixture.ts";
import { VirtualClock } from "../../api/virtual-clock.fixture.ts";
import { EVENTS_PER_OBJECT_MAX, type EventInput, EventLog, SIMILAR_MAX } from "./event-log.ts";

const toInput = (overrides: Partial<EventInput> = {}): EventInput => ({
  type: "Normal",
  reason: "Created",
  message: "create 3f2a9c01",
  object: { kind: "Sandbox", name: "a" },
  ...overrides,
});

async function open(at?: string, clock = new VirtualClock()) {
  const folder = at ?? join(await createFolder(), "events");
  const failures: unknown[] = [];
  const log = await EventLog.open({ folder, clock, writeFailed: (error) => failures.push(error) });
  return { folder, clock, log, failures, file: join(folder, "events.jsonl") };
}

const countsOf = (events: readonly SandboxEvent[]): [string, number][] => events.map(({ message, count }) => [message, count]);

describe("similar events", () => {
  test("with the same words are one, with a count, first and last time and a new id", async () => {
    const { log, clock } = await open();
    const first = log.record(toInput());
    await clock.advance(MINUTE_MS);
    const second = log.record(toInput());
    expect(log.list()).toEqual([second]);
    expect(second).toMatchObject({ count: 2, firstSeen: first.firstSeen, lastSeen: clock.now() });
    expect(second.id).toBeGreaterThan(first.id);
  });

  test("stay apart when object, type, reason or message differ", async () => {
    const { log } = await open();
    log.record(toInput());
    log.record(toInput({ object: { kind: "Sandbox", name: "b" } }));
    log.record(toInput({ object: { kind: "Config", name: "a" } }));
    log.record(toInput({ type: "Warning" }));
    log.record(toInput({ reason: "Removed" }));
    log.record(toInput({ message: "create another" }));
    expect(log.list().map(({ count }) => count)).toEqual([1, 1, 1, 1, 1, 1]);
  });

  test("beyond ten different messages in ten minutes are one, with a count and the newest message", async () => {
    const { log } = await open();
    for (let at = 1; at <= SIMILAR_MAX + 5; at += 1) log.record(toInput({ message: `attempt ${at}` }));
    const events = log.list();
    expect(events).toHaveLength(SIMILAR_MAX + 1);
    expect(events.at(-1)).toMatchObject({ message: "(combined from similar events) attempt 15", count: 5 });
    expect(log.record(toInput({ message: "attempt 3" }))).toMatchObject({ message: "attempt 3", count: 2 });
    expect(log.record(toInput({ reason: "Removed", message: "attempt 3" }))).toMatchObject({ message: "attempt 3", count: 1 });
  });

  test("stand by themselves again after ten quiet minutes", async () => {
    const { log, clock } = await open();
    for (let at = 1; at <= SIMILAR_MAX + 1; at += 1) log.record(toInput({ message: `attempt ${at}` }));
    await clock.advance(10 * MINUTE_MS + 1);
    expect(log.record(toInput({ message: "attempt 1" }))).toMatchObject({ message: "attempt 1", count: 1 });
  });

  test("go on being counted over a restart, the combined ones too", async () => {
    const { folder, clock, log } = await open();
    for (let at = 1; at <= SIMILAR_MAX + 1; at += 1) log.record(toInput({ message: `attempt ${at}` }));
    await log.flush();
    const again = (await open(folder, clock)).log;
    expect(countsOf(again.list())).toEqual(countsOf(log.list()));
    again.record(toInput({ message: "attempt 1" }));
    again.record(toInput({ message: "attempt 99" }));
    expect(countsOf(again.list()).slice(-2)).toEqual([
      ["attempt 1", 2],
      ["(combined from similar events) attempt 99", 2],
    ]);
  });
});

describe("the log is bounded", () => {
  test("per object: the oldest of a noisy one falls out, a quiet one's stays", async () => {
    const { log } = await open();
    log.record(toInput({ object: { kind: "Sandbox", name: "quiet" } }));
    for (let at = 0; at < EVENTS_PER_OBJECT_MAX + 10; at += 1) log.record(toInput({ reason: `Reason${at}` }));
    expect(log.list({ object: { kind: "Sandbox", name: "a" } })).toHaveLength(EVENTS_PER_OBJECT_MAX);
    expect(log.list({ object: { kind: "Sandbox", name: "a" } })[0]?.reason).toBe("Reason10");
    expect(log.list({ object: { kind: "Sandbox", name: "quiet" } })).toHaveLength(1);
  });

  test("in total, over objects without end, in memory and on disk", async () => {
    const { log, file, folder } = await open();
    for (let at = 0; at < 3 * EVENTS_MAX; at += 1) log.record(toInput({ object: { kind: "Sandbox", name: `s-${at}` } }));
    await log.flush();
    for (let at = 0; at < 3 * EVENTS_MAX; at += 1) log.record(toInput({ object: { kind: "Sandbox", name: `t-${at}` } }));
    await log.flush();
    expect(log.list()).toHaveLength(EVENTS_MAX);
    expect((await readFile(file, "utf8")).split("\n").length).toBeLessThan(5 * EVENTS_MAX);
    const again = (await open(folder)).log;
    expect(again.list()).toEqual(log.list());
  });

  test("per message", async () => {
    const { log } = await open();
    expect(log.record(toInput({ message: "x".repeat(5_000) })).message).toHaveLength(EVENT_MESSAGE_LENGTH_MAX);
  });
});

describe("a restart", () => {
  test("keeps events, their order and growing ids", async () => {
    const { folder, log } = await open();
    const last = [1, 2, 3].map((at) => log.record(toInput({ reason: `Reason${at}`, reconcileId: `pass-${at}` }))).at(-1);
    await log.flush();
    const again = (await open(folder)).log;
    expect(again.list()).toEqual(log.list());
    expect(again.record(toInput()).id).toBeGreaterThan(last?.id ?? 0);
  });

  test("after a crash in the middle of a line loses that line only, and what follows is not glued to it", async () => {
    const { folder, file, log } = await open();
    for (const reason of ["One", "Two", "Three"]) log.record(toInput({ reason }));
    await log.flush();
    await truncate(file, (await stat(file)).size - 10);
    const second = await open(folder);
    expect(second.log.list().map(({ reason }) => reason)).toEqual(["One", "Two"]);
    second.log.record(toInput({ reason: "Four" }));
    await second.log.flush();
    expect((await open(folder)).log.list().map(({ reason }) => reason)).toEqual(["One", "Two", "Four"]);
  });

  test("beside junk reads around it", async () => {
    const { folder, file, log } = await open();
    log.record(toInput({ reason: "One" }));
    await log.flush();
    await appendFile(file, 'null\n{}\n{"event":{"id":"x"}}\n\n');
    expect((await open(folder)).log.list().map(({ reason }) => reason)).toEqual(["One"]);
    await writeFile(file, Buffer.alloc(1_000, 0xff));
    const junk = await open(folder);
    expect(junk.log.list()).toEqual([]);
    junk.log.record(toInput({ reason: "Two" }));
    await junk.log.flush();
    expect((await open(folder)).log.list().map(({ reason }) => reason)).toEqual(["Two"]);
  });
});

describe("a follower", () => {
  test("gets what it missed and then what happens, each id once and growing, until it ends", async () => {
    const { log } = await open();
    const first = log.record(toInput({ reason: "One" }));
    log.record(toInput({ reason: "Two" }));
    const seen: SandboxEvent[] = [];
    const end = log.subscribe(first.id, (event) => seen.push(event));
    log.record(toInput({ reason: "Three" }));
    log.record(toInput({ reason: "Three" }));
    end();
    log.record(toInput({ reason: "Four" }));
    expect(seen.map(({ reason, count }) => [reason, count])).toEqual([
      ["Two", 1],
      ["Three", 1],
      ["Three", 2],
    ]);
    expect(seen.map(({ id }) => id)).toEqual([...seen.map(({ id }) => id)].sort((left, right) => left - right));
  });

  test("that returns after a crash misses nothing, although the newest ids were not on disk", async () => {
    const { folder, file, log } = await open();
    for (let at = 0; at < 20; at += 1) log.record(toInput({ reason: `Reason${at}` }));
    await log.flush();
    const onDisk = await readFile(file, "utf8");
    const lost = log.record(toInput({ reason: "Lost" }));
    await log.flush();
    await writeFile(file, onDisk);
    const again = (await open(folder)).log;
    const after = again.record(toInput({ reason: "After" }));
    expect(after.id).toBeGreaterThan(lost.id);
    expect(again.list({ afterId: lost.id })).toEqual([after]);
  });

  test("that returns with an id of a log that was lost gets everything", async () => {
    const { log } = await open();
    const event = log.record(toInput());
    const seen: SandboxEvent[] = [];
    log.subscribe(1_000_000, (one) => seen.push(one));
    expect(seen).toEqual([event]);
  });
});

test("what can't be written is told, stays in memory, and is written with what follows", async () => {
  const { folder, log, failures } = await open();
  await rm(folder, { recursive: true });
  log.record(toInput({ reason: "One" }));
  await log.flush();
  expect(failures).toHaveLength(1);
  await mkdir(folder);
  log.record(toInput({ reason: "Two" }));
  await log.flush();
  expect((await open(folder)).log.list().map(({ reason }) => reason)).toEqual(["One", "Two"]);
});
