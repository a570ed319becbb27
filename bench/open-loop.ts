// Commands that come when they come, whether or not those before them have ended: arrivals on a schedule that is made beforehand, each latency counted
// from when its command was due. A client that waits for its answer before it asks again leaves out what happens while the answer is late.
import { setTimeout as pause } from "node:timers/promises";
import { createDice } from "../src/controller/fixtures/dice.fixture.ts";
import { compare, type Row } from "./figures.ts";
import { execTrue, type Gateway, openGateway, rawExec } from "./gateway.ts";
import { endAll } from "./processes.ts";
import { openSite } from "./site.ts";

const SANDBOXES = 20;
/** A seventh of what the engine can start on two cores: nothing queues for long, and bursts that chance makes are part of it. */
const PER_SECOND = 4;
const ARRIVALS = 100;
/** The sides take turns with the same schedule: a thousand of each, so that there is a 99.9th percentile. */
const TURNS = 10;
const BUDGET_MS = 15;
const SEED = 18;
const FACES = 1_000_000;

interface Arrival {
  /** Milliseconds after the begin. */
  dueMs: number;
  sandbox: number;
}

/** A Poisson process: independent sessions have no common beat. The same for the same seed. */
export function scheduleOf(seed: number): Arrival[] {
  const dice = createDice(seed);
  let dueMs = 0;
  return Array.from({ length: ARRIVALS }, () => {
    dueMs += (-Math.log((dice.throw(FACES) + 1) / FACES) * 1_000) / PER_SECOND;
    return { dueMs, sandbox: dice.throw(SANDBOXES) };
  });
}

/** Never waits for an answer. @returns milliseconds from when each was due until its answer, in order of the schedule */
export async function play(schedule: readonly Arrival[], run: (sandbox: number) => Promise<unknown>): Promise<number[]> {
  const beganAt = performance.now();
  const answers = schedule.map(async ({ dueMs, sandbox }) => {
    // A timer may be some milliseconds early, by the clock that it was set at.
    for (let left = dueMs; left > 0; left = beganAt + dueMs - performance.now()) await pause(Math.ceil(left));
    await run(sandbox);
    return performance.now() - beganAt - dueMs;
  });
  return await Promise.all(answers);
}

async function measure(gateway: Gateway): Promise<Row> {
  const ours = (sandbox: number): Promise<unknown> => execTrue(gateway, gateway.sessions[sandbox] ?? "");
  const raw = async (sandbox: number): Promise<unknown> => {
    const container = gateway.containers[sandbox];
    if (container === undefined) throw new Error(`no container ${sandbox}`);
    return await rawExec(container, "true");
  };
  const [oursMs, rawMs]: [number[], number[]] = [[], []];
  for (let turn = 0; turn < TURNS; turn += 1) {
    const schedule = scheduleOf(SEED + turn);
    const sides = [async () => oursMs.push(...(await play(schedule, ours))), async () => rawMs.push(...(await play(schedule, raw)))];
    for (const side of turn % 2 === 0 ? sides : sides.reverse()) await side();
  }
  const rounds = oursMs.map((milliseconds, at) => ({ ours: milliseconds, raw: rawMs[at] ?? Number.NaN }));
  return compare(`exec true, ${PER_SECOND}/s on a schedule over ${SANDBOXES} sandboxes`, rounds, { budgetMs: BUDGET_MS });
}

export async function openLoop(): Promise<Row> {
  const site = await openSite({ gateway: { mode: "local" }, agents: { defaults: { sandbox: { mode: "all", scope: "session" } } } });
  const opened = await openGateway(site, SANDBOXES);
  try {
    return await measure(opened);
  } finally {
    await endAll(opened.processes, "SIGTERM");
    await site.close();
  }
}
