// Looks at the activity file as the next process would find it, with a clock that moves only when told to.
import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type EpochMs, toEpochMs, toSandboxName } from "../../api/brands.ts";
import { createFolder, eventually } from "../../api/store/folder.fixture.ts";
import { VirtualClock } from "../../api/virtual-clock.fixture.ts";
import { Activity } from "./activity.ts";

const name = toSandboxName("openclaw-sbx-a");
const other = toSandboxName("openclaw-sbx-b");

async function open(path?: string, clock = new VirtualClock()) {
  const at = path ?? join(await createFolder(), "activity.json");
  const failures: unknown[] = [];
  const activity = await Activity.open({ path: at, clock, writeFailed: (error) => failures.push(error) });
  const written = async (): Promise<Record<string, EpochMs>> => {
    const text = await readFile(at, "utf8").catch(() => '{"lastUsedAt":{}}');
    return (JSON.parse(text) as { lastUsedAt: Record<string, EpochMs> }).lastUsedAt;
  };
  return { path: at, clock, activity, failures, written };
}

describe("last use", () => {
  test("is kept over a restart", async () => {
    const { path, clock, activity } = await open();
    activity.touch(name, clock.now());
    await activity.stop();
    const again = await open(path);
    expect(again.activity.loaded).toBe("read");
    expect(again.activity.lastUsedAt(name)).toBe(clock.now());
    expect(again.activity.lastUsedAt(other)).toBeNull();
  });

  test("is written at once after a quiet time, and then at most every five seconds", async () => {
    const { clock, activity, written } = await open();
    activity.touch(name, clock.now());
    const first = clock.now();
    await eventually("the first use is on disk", async () => (await written())[name] === first);
    for (let use = 0; use < 100; use += 1) {
      await clock.advance(40);
      activity.touch(name, clock.now());
    }
    expect((await written())[name]).toBe(first);
    const last = clock.now();
    await clock.advance(5_000);
    await eventually("the last use is on disk", async () => (await written())[name] === last);
    await clock.advance(5_000);
    expect(clock.timerCount).toBe(0);
  });

  test("never goes back in time", async () => {
    const { clock, activity } = await open();
    activity.touch(name, clock.now());
    activity.touch(name, toEpochMs(clock.now() - 60_000));
    expect(activity.lastUsedAt(name)).toBe(clock.now());
    await activity.stop();
  });

  test("is written when the controller stops, and no timer stays", async () => {
    const { clock, activity, written } = await open();
    activity.touch(name, clock.now());
    await clock.advance(10);
    activity.touch(other, clock.now());
    await activity.stop();
    expect(await written()).toEqual({ [name]: clock.now() - 10, [other]: clock.now() });
    expect(clock.timerCount).toBe(0);
  });

  test("of a sandbox that is gone is forgotten", async () => {
    const { clock, activity, written } = await open();
    activity.touch(name, clock.now());
    activity.forget(name);
    await activity.stop();
    expect(await written()).toEqual({});
    expect(activity.lastUsedAt(name)).toBeNull();
  });
});

describe("a lost file", () => {
  test.each([
    ["missing", undefined],
    ["unreadable", "{"],
    ["unreadable", '{"lastUsedAt":{"a":"yesterday"}}'],
    ["unreadable", "[]"],
  ])("(%s) means: an older container was used when the controller started, a newer one never", async (loaded, text) => {
    const path = join(await createFolder(), "activity.json");
    if (text !== undefined) await writeFile(path, text);
    const { activity, clock } = await open(path);
    const startedAt = clock.now();
    await clock.advance(60_000);
    expect(activity.loaded).toBe(loaded);
    expect(activity.lastUsedAt(name, toEpochMs(startedAt - 1))).toBe(startedAt);
    expect(activity.lastUsedAt(other, clock.now())).toBeNull();
    expect(activity.lastUsedAt(other)).toBeNull();
    activity.touch(other, clock.now());
    expect(activity.lastUsedAt(other, toEpochMs(0))).toBe(clock.now());
    await activity.stop();
    const again = await open(path, clock);
    expect(again.activity.loaded).toBe("read");
    expect(again.activity.lastUsedAt(name, toEpochMs(startedAt - 1)), "it does not count as used again at each start").toBe(startedAt);
  });
});

test("a write that fails is told and made up for", async () => {
  const folder = join(await createFolder(), "controller");
  const { clock, activity, failures, written } = await open(join(folder, "activity.json"));
  await eventually("the failure at the start is told", () => failures.length === 1);
  activity.touch(name, clock.now());
  await eventually("the failure of the use is told", () => failures.length === 2);
  await mkdir(folder);
  await clock.advance(5_000);
  await eventually("the use is on disk", async () => name in (await written()));
  expect((await stat(join(folder, "activity.json"))).mode & 0o777).toBe(0o600);
  await activity.stop();
});

test("ten thousand sandboxes are remembered, and beyond that those used last", async () => {
  const { clock, activity } = await open();
  for (let sandbox = 0; sandbox < 10_001; sandbox += 1) activity.touch(toSandboxName(`s-${sandbox}`), toEpochMs(clock.now() + sandbox));
  expect(activity.lastUsedAt(toSandboxName("s-0"))).toBeNull();
  expect(activity.lastUsedAt(toSandboxName("s-1"))).not.toBeNull();
  await activity.stop();
});
