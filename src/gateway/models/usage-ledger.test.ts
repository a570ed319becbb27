import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, statSync } from "node:fs";
import { appendFile, mkdir, readFile, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pino } from "pino";
import { expect, test } from "vitest";
import { DAY_MS, type EpochMs, toEpochMs } from "../../api/brands.ts";
import { createFolder } from "../../api/store/folder.fixture.ts";
import type { TokenUsage } from "./model-call.ts";
import { UsageLedger } from "./usage-ledger.ts";
import { toCost, UsageTotals } from "./usage-totals.ts";

const AT = toEpochMs(Date.UTC(2026, 10, 29, 23, 59));
const USED: TokenUsage = { input: 100, output: 10, cacheRead: 40, cacheWrite: 0, reasoning: 0, isEstimated: false };
const call = (session: string, at: EpochMs = AT) => ({ at, session, agent: "main", usage: USED, usd: 0.5 });

function openIn(folder: string) {
  const said: string[] = [];
  const log = pino({ level: "info" }, { write: (line: string) => void said.push(line) });
  return { said, open: () => UsageLedger.open({ folder, now: () => AT, log }) };
}

async function createLedger() {
  const folder = join(await createFolder(), "usage");
  return { folder, ...openIn(folder) };
}

test("each call is counted for its session, its agent's day and the day, and is there again after a kill", async () => {
  const { open, folder } = await createLedger();
  const ledger = await open();
  await ledger.record(call("a"));
  await ledger.record(call("b"));
  await ledger.record(call("a", toEpochMs(AT + DAY_MS)));
  for (const { totals } of [ledger, await open()]) {
    expect(totals.session("a")).toMatchObject({ calls: 2, input: 200, output: 20, cacheRead: 80, usd: 1 });
    expect(totals.agentDay("main", "2026-11-29")).toMatchObject({ calls: 2, usd: 1 });
    expect(totals.day("2026-11-30")).toMatchObject({ calls: 1 });
    expect(totals.listDays()).toEqual(["2026-11-29", "2026-11-30"]);
  }
  expect(statSync(join(folder, "journal.jsonl")).mode & 0o777).toBe(0o600);
});

test("a call whose line was cut by a kill is lost alone, and the next one is kept", async () => {
  const { open, folder } = await createLedger();
  await (await open()).record(call("a"));
  await appendFile(join(folder, "journal.jsonl"), '{"sequence":2,"at":17');
  await (await open()).record(call("b"));
  const { totals } = await open();
  expect([totals.session("a").calls, totals.session("b").calls]).toEqual([1, 1]);
});

test("a kill between the snapshot and the end of the journal counts nothing twice", async () => {
  const { open, folder } = await createLedger();
  const first = await open();
  for (let count = 0; count < 1_000; count += 1) void first.record(call("a"));
  await first.record(call("a"));
  const journal = JSON.stringify({ sequence: 1_000, ...call("a") });
  await writeFile(join(folder, "journal.jsonl"), `${journal}\n`);
  const again = await open();
  expect(again.totals.session("a").calls).toBe(1_001);
  await again.record(call("a"));
  expect((await open()).totals.session("a").calls).toBe(1_002);
});

test("the journal stays short however many calls there are", async () => {
  const { open, folder } = await createLedger();
  const ledger = await open();
  for (let count = 0; count < 2_500; count += 1) void ledger.record(call(`s${count % 7}`));
  await ledger.record(call("a"));
  expect((await readFile(join(folder, "journal.jsonl"), "utf8")).split("\n").length).toBeLessThan(1_002);
  expect((await open()).totals.day("2026-11-29").calls).toBe(2_501);
});

test("two months of days and 20 000 sessions are kept, the oldest go", () => {
  const totals = new UsageTotals();
  for (let day = 0; day < 70; day += 1) totals.add(call("a", toEpochMs(AT + day * DAY_MS)));
  for (let session = 0; session < 20_000; session += 1) totals.add(call(`s${session}`));
  totals.add(call("s0"));
  totals.add(call("b"));
  expect(totals.listDays()).toHaveLength(62);
  expect(["a", "s0", "s1", "s2", "b"].map((session) => totals.session(session).calls)).toEqual([0, 2, 0, 1, 1]);
});

test("a session that begins anew begins at nothing, its day does not", async () => {
  const { open } = await createLedger();
  const ledger = await open();
  await ledger.record(call("a"));
  await ledger.forget("a");
  for (const { totals } of [ledger, await open()]) {
    expect(totals.session("a").calls).toBe(0);
    expect(totals.day("2026-11-29").calls).toBe(1);
  }
});

test("a process that is killed in the middle of its calls has lost none that it had counted", async () => {
  const { open, folder } = await createLedger();
  const program = `
    const { UsageLedger } = await import(${JSON.stringify(new URL("usage-ledger.ts", import.meta.url).href)});
    const silent = { error() {}, warn() {}, info() {} };
    const ledger = await UsageLedger.open({ folder: ${JSON.stringify(folder)}, now: () => ${AT}, log: silent });
    for (let count = 1; ; count += 1) { await ledger.record(${JSON.stringify(call("a"))}); process.stdout.write(count + "\\n"); }`;
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", "--input-type=module", "--eval", program]);
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    said += text;
    // Past a snapshot or two.
    if (said.split("\n").length > 1_500) child.kill("SIGKILL");
  });
  await once(child, "close");
  const counted = Number(said.split("\n").at(-2));
  expect(counted).toBeGreaterThan(1_400);
  const { totals } = await open();
  // The last may have been written and not said.
  expect([counted, counted + 1]).toContain(totals.session("a").calls);
});

test("a damaged file is put aside and said, and counting goes on", async () => {
  const { open, folder, said } = await createLedger();
  await mkdir(folder);
  await writeFile(join(folder, "usage.json"), "not json");
  const ledger = await open();
  await ledger.record(call("a"));
  expect((await open()).totals.session("a").calls).toBe(1);
  expect(said.join()).toContain("it is damaged");
  expect(readdirSync(folder)).toContain(`usage.json.damaged-${AT}`);
});

test("where nothing can be written calls count in memory, which is said once, and are kept once it can", async () => {
  const { open, folder, said } = await createLedger();
  const ledger = await open();
  // A file where the folder should be: root may write in any folder.
  await writeFile(folder, "");
  await ledger.record(call("a"));
  await ledger.record(call("a"));
  expect(ledger.totals.session("a").calls).toBe(2);
  expect(said.filter((line) => line.includes("could not be kept"))).toHaveLength(1);
  await unlink(folder);
  await ledger.record(call("a"));
  expect((await open()).totals.session("a").calls).toBe(3);
});

test("the price of a call knows what came from a cache", () => {
  const price = { input: 2, output: 10, cacheRead: 0.5, cacheWrite: null };
  const usage = { ...USED, input: 1_000_000, cacheRead: 400_000, cacheWrite: 100_000, output: 100_000 };
  expect(toCost(usage, price)).toBeCloseTo(0.5 * 2 + 0.4 * 0.5 + 0.1 * 2 + 0.1 * 10);
  expect(toCost(usage, { ...price, output: null })).toBeNull();
  expect(toCost(usage, null)).toBeNull();
});

test("calls that end at the same time are kept together, each of them, when the first one returns or soon after", async () => {
  const { open } = await createLedger();
  const ledger = await open();
  await Promise.all(Array.from({ length: 300 }, (_, at) => ledger.record(call(`s${at % 3}`))));
  const { totals } = await open();
  expect(["s0", "s1", "s2"].map((session) => totals.session(session).calls)).toEqual([100, 100, 100]);
});
