import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { type DurationMs, type EpochMs, later } from "../../api/brands.ts";
import { desiredOf, NOW } from "../decide/decide.fixture.ts";
import { WorkspaceSizes } from "./workspace-sizes.ts";

const MEBIBYTE = 2 ** 20;
let dir = "";
let now: EpochMs = NOW;
let usedAt: EpochMs | null = null;
let events: string[] = [];
let counted = { bytes: 0, largestBytes: 0, overSize: 0 };

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "openclaw-sizes-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  now = NOW;
  usedAt = null;
  events = [];
});

const advance = (ms: number): void => {
  now = later(now, ms as DurationMs);
};
const fill = (name: string, mebibytes: number): void => writeFileSync(join(dir, name), Buffer.alloc(mebibytes * MEBIBYTE, 1));

function create(workspaceSize: string | null, entriesMax = 1_000) {
  const target = { ...desiredOf({ docker: { workspaceSize } }), workspace: { dir, purpose: "scope" as const } };
  const sizes = new WorkspaceSizes({
    now: () => now,
    sandboxes: () => [target],
    lastUsedAt: () => usedAt,
    events: { record: ({ reason }) => events.push(reason) },
    log: pino({ enabled: false }),
    measured: (each) => {
      counted = each;
    },
    entriesMax,
  });
  return { sizes, target };
}

test("a workspace above its size refuses file tools, tells it once, and accepts them again once files are gone", async () => {
  const { sizes, target } = create("2m");
  fill("one", 1);
  await sizes.round();
  expect([sizes.refusal(target), events, counted.overSize]).toEqual([null, [], 0]);
  fill("two", 2);
  usedAt = now;
  advance(60_000);
  await sizes.round();
  expect(sizes.refusal(target)).toMatch(/^the workspace uses [34] MiB, more than docker.workspaceSize, 2m/);
  expect(counted).toMatchObject({ overSize: 1 });
  expect(counted.bytes).toBeGreaterThanOrEqual(3 * MEBIBYTE);
  expect(counted.largestBytes).toBe(counted.bytes);
  usedAt = now;
  advance(1_000);
  await sizes.round();
  expect(events).toEqual(["WorkspaceTooLarge"]);
  rmSync(join(dir, "two"));
  usedAt = now;
  advance(60_000);
  await sizes.round();
  expect([sizes.refusal(target), events, counted.overSize]).toEqual([null, ["WorkspaceTooLarge", "WorkspaceWithinSize"], 0]);
});

test("a write that comes on an old figure has it measured anew, without waiting for the next round", async () => {
  const { sizes, target } = create("1m");
  await sizes.round();
  fill("large", 2);
  expect(sizes.refusal(target)).toBeNull();
  advance(5_000);
  sizes.refusal(target);
  await expect.poll(() => events, { timeout: 10_000 }).toEqual(["WorkspaceTooLarge"]);
  expect(sizes.refusal(target)).not.toBeNull();
});

test("with more files than can be counted a limited workspace counts as full: nothing hides behind them", async () => {
  const { sizes, target } = create("1g", 50);
  mkdirSync(join(dir, "deep"));
  for (let index = 0; index < 60; index += 1) writeFileSync(join(dir, "deep", String(index)), "");
  await sizes.round();
  expect(sizes.refusal(target)).toContain("has more than 50 files");
});

test("without a size nothing is refused, and it is counted all the same", async () => {
  const { sizes, target } = create(null, 10);
  fill("large", 3);
  for (let index = 0; index < 20; index += 1) writeFileSync(join(dir, String(index)), "");
  await sizes.round();
  expect([sizes.refusal(target), events, counted.overSize]).toEqual([null, [], 0]);
});

test("a workspace that nobody used is not measured again", async () => {
  const { sizes } = create("1m");
  await sizes.round();
  fill("large", 2);
  advance(600_000);
  await sizes.round();
  expect(events).toEqual([]);
  usedAt = now;
  await sizes.round();
  expect(events).toEqual(["WorkspaceTooLarge"]);
});
