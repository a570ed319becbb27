// Where the time of one `exec true` goes, on its way through both processes to the engine and back: when it crosses each border. A round in which a border
// can't be told is left out; the command before it has an exec started for it, as between two of a model's tool calls.
import { setTimeout as pause } from "node:timers/promises";
import type { Crossing } from "./borders.ts";
import { median, type Row, renderSpread, toValueRow } from "./figures.ts";
import { execTrue, type Gateway, openGateway } from "./gateway.ts";
import { ask, endAll } from "./processes.ts";
import { openSite } from "./site.ts";

const ROUNDS = 60;
const WARM_UP_ROUNDS = 10;
/** In which the exec for the next command is started. */
const REST_MS = 400;

const nowMs = (): number => performance.timeOrigin + performance.now();

interface Border {
  /** What is done until it is crossed. */
  stage: string;
  process: "gateway" | "controller";
  what: Crossing["what"];
  text: RegExp;
}

/** As the engine frames it: the wrapper's first line. */
const STDOUT = new RegExp(`^${String.fromCharCode(1, 0, 0, 0)}`);
const BORDERS: readonly Border[] = [
  { stage: "the client's request to the gateway", process: "gateway", what: "request", text: /^POST .*\/tools\/exec/ },
  { stage: "the gateway: who asks, what, where", process: "gateway", what: "write", text: /^GET \S*\/exec\?tool=exec / },
  { stage: "a connection to the controller, with the command", process: "controller", what: "write", text: /^HTTP\/1\.1 101 / },
  { stage: "the controller: may it, whether its container runs", process: "controller", what: "write", text: /\na\/bin\/sh\n/ },
  { stage: "the engine and the shell that waits: the command begins", process: "controller", what: "read", text: STDOUT },
  { stage: "the command runs, the engine sees that it ended", process: "controller", what: "read", text: /"exec_die/ },
  { stage: "the controller tells it", process: "controller", what: "write", text: /^\{"kind":"exit"/ },
  { stage: "the gateway hears it, and answers", process: "gateway", what: "write", text: /^HTTP\/1\.1 200 / },
];
const LAST_STAGE = "the answer to the client";

/** When each border was crossed, each after the one before it. null: one of them was not seen. */
export function momentsOf(crossings: Readonly<Record<Border["process"], readonly Crossing[]>>, beganMs: number): number[] | null {
  const moments: number[] = [];
  let sinceMs = beganMs;
  for (const { process, what, text } of BORDERS) {
    const found = crossings[process].find((crossing) => crossing.atMs >= sinceMs && crossing.what === what && text.test(crossing.text));
    if (found === undefined) return null;
    moments.push(found.atMs);
    sinceMs = found.atMs;
  }
  return moments;
}

/** Milliseconds of each stage. */
async function play(gateway: Gateway): Promise<number[] | null> {
  const [controllerProcess, gatewayProcess] = gateway.processes;
  if (controllerProcess === undefined || gatewayProcess === undefined) throw new Error("a process is missing");
  await Promise.all([ask(controllerProcess), ask(gatewayProcess)]);
  const beganMs = nowMs();
  await execTrue(gateway, gateway.sessions[0] ?? "");
  const endedMs = nowMs();
  const [controller, own] = await Promise.all([ask<Crossing[]>(controllerProcess), ask<Crossing[]>(gatewayProcess)]);
  const moments = momentsOf({ controller, gateway: own }, beganMs);
  return moments?.concat(endedMs).map((atMs, index) => atMs - (moments[index - 1] ?? beganMs)) ?? null;
}

async function measure(gateway: Gateway): Promise<Row[]> {
  const rounds: number[][] = [];
  for (let round = 0; round < WARM_UP_ROUNDS + ROUNDS; round += 1) {
    const stages = await play(gateway);
    if (round >= WARM_UP_ROUNDS && stages !== null) rounds.push(stages);
    await pause(REST_MS);
  }
  if (rounds.length < ROUNDS / 2) throw new Error(`of ${ROUNDS} rounds ${rounds.length} could be told apart`);
  return [...BORDERS.map(({ stage }) => stage), LAST_STAGE].map((stage, index) => {
    const each = rounds.map((stages) => stages[index] ?? Number.NaN);
    const told = { ours: renderSpread(each, 1), figure: `${rounds.length} of ${ROUNDS} rounds`, budget: "-", ok: true };
    return toValueRow(`the way of a command, ${index + 1}: ${stage}`, told, { value: median(each), unit: "ms", better: "less" });
  });
}

export async function waterfall(): Promise<Row[]> {
  const site = await openSite({ gateway: { mode: "local" }, agents: { defaults: { sandbox: { mode: "all", scope: "session" } } } });
  const opened = await openGateway(site, 1, ["borders.ts"]);
  try {
    return await measure(opened);
  } finally {
    await endAll(opened.processes, "SIGTERM");
    await site.close();
  }
}
