// What the way through the gateway and the controller costs a tool: one `exec true`, two hundred at once, a gigabyte of output. Both
// processes are real and beside this one; the raw engine runs the same commands in the same containers in the same run.
import type { ChildProcess } from "node:child_process";
import { setTimeout as pause } from "node:timers/promises";
import type Docker from "dockerode";
import { LABEL } from "../src/api/labels.ts";
import { FRAMES_TYPE } from "../src/gateway/http/frame-stream.ts";
import { freePort } from "../test/free-port.ts";
import { compare, median, type Round, type Row, toValueRow } from "./figures.ts";
import { call, endAll, type GatewayProcess, residentMb, startGateway, startProgram } from "./processes.ts";
import { docker } from "./raw-engine.ts";
import { openSite, type Site } from "./site.ts";
import { gigabyte } from "./stream.ts";

const ROUNDS = 100;
const WARM_UP_ROUNDS = 10;
const BUDGET_MS = 15;
const SANDBOXES = 20;
const AT_ONCE = 200;
const SHARE_MIN = 0.9;

export interface Gateway extends GatewayProcess {
  /** The controller's and its own. */
  processes: ChildProcess[];
  /** Containers of the sessions, in their order. */
  containers: Docker.Container[];
  sessions: string[];
}

/** Both processes, and a session with a sandbox each. @param imports modules of this folder that are loaded into both */
export async function openGateway({ stateDir, instance }: Site, sessions: number, imports: readonly string[] = []): Promise<Gateway> {
  const options = { stateDir, imports };
  const controller = startProgram(["controller", "--instance", instance, "--metrics-listen", `127.0.0.1:${await freePort()}`], options);
  const started = await startGateway("/readyz", options);
  const names = Array.from({ length: sessions }, (_, index) => `agent:main:bench-${index}`);
  const gateway: Gateway = { ...started, processes: [controller, started.process], containers: [], sessions: names };
  for (const key of names) await call(gateway, "/v1/sessions", { key });
  await Promise.all(names.map((key) => execTrue(gateway, key)));
  const listed = await docker.listContainers({ filters: { label: [`${LABEL.instance}=${instance}`] } });
  gateway.containers = names.map((key) => {
    const found = listed.find(({ Labels }) => Labels[LABEL.scopeKey] === key);
    if (found === undefined) throw new Error(`no container of ${key}`);
    return docker.getContainer(found.Id);
  });
  return gateway;
}

const toolPath = (key: string): string => `/v1/sessions/${encodeURIComponent(key)}/tools/exec`;

export async function execTrue(gateway: Gateway, key: string): Promise<void> {
  const answer: unknown = await (await call(gateway, toolPath(key), { command: "true" })).json();
  if (JSON.stringify(answer).includes('"isError":true')) throw new Error(`exec failed: ${JSON.stringify(answer)}`);
}

/** @returns how many bytes it printed */
export async function rawExec(container: Docker.Container, command: string): Promise<number> {
  const exec = await container.exec({ Cmd: ["sh", "-lc", command], AttachStdout: true, AttachStderr: true });
  const stream = await exec.start({});
  let bytes = 0;
  for await (const chunk of stream) bytes += chunk.length;
  const { ExitCode } = await exec.inspect();
  if (ExitCode !== 0) throw new Error(`raw exec ended with ${ExitCode}`);
  return bytes;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

/** After ours the controller has an exec started for the next command; meanwhile the engine would be slow for the raw one. */
const REST_MS = 200;

/** One `exec true` at a time, in turns with the raw engine's. */
async function one(gateway: Gateway): Promise<Row> {
  const [key = ""] = gateway.sessions;
  const [container] = gateway.containers;
  if (container === undefined) throw new Error("no container");
  const rounds: Round[] = [];
  for (let round = 0; round < WARM_UP_ROUNDS + ROUNDS; round += 1) {
    const ours = await timed(() => execTrue(gateway, key));
    await pause(REST_MS);
    const raw = await timed(() => rawExec(container, "true"));
    if (round >= WARM_UP_ROUNDS) rounds.push({ ours, raw });
  }
  return compare("exec true through gateway and controller", rounds, { budgetMs: BUDGET_MS });
}

/** Two hundred at once over twenty sandboxes. */
async function many(gateway: Gateway): Promise<Row> {
  const each = Array.from({ length: AT_ONCE }, (_, index) => index % SANDBOXES);
  const raw = (): Promise<number> =>
    timed(() => Promise.all(each.map((at) => rawExec(gateway.containers[at] as Docker.Container, "true"))));
  const ours = (): Promise<number> => timed(() => Promise.all(each.map((at) => execTrue(gateway, gateway.sessions[at] ?? ""))));
  await ours();
  const rawMs = [await raw()];
  const oursMs = [await ours(), await ours(), await ours()];
  rawMs.push(await raw(), await raw());
  const perSecond = (milliseconds: readonly number[]): number => (AT_ONCE * 1_000) / median(milliseconds);
  const share = perSecond(oursMs) / perSecond(rawMs);
  const told = {
    ours: `${perSecond(oursMs).toFixed(0)}/s`,
    raw: `${perSecond(rawMs).toFixed(0)}/s`,
    figure: `${(100 * share).toFixed(0)} %`,
  };
  return toValueRow(
    `${AT_ONCE} execs at once over ${SANDBOXES} sandboxes`,
    { ...told, budget: `${100 * SHARE_MIN} %`, ok: share >= SHARE_MIN },
    { value: share, unit: "of the engine's rate", better: "more" },
  );
}

/** What a burst took is started anew two at a time, which takes the engine as long as a burst of its own, and half as long again. */
const BURST_REST_MS_MIN = 1_500;
const BURST_REST_SHARE = 1.5;
const BURSTS = 20;

/** One for each of twenty sandboxes, as their models ask at the same moment; in turns with the raw engine's. */
async function bursts(gateway: Gateway): Promise<Row> {
  const { containers, sessions } = gateway;
  const rawBurst = (): Promise<number> => timed(() => Promise.all(containers.map((container) => rawExec(container, "true"))));
  const rounds: Round[] = [];
  let raw = await rawBurst();
  for (let burst = 0; burst <= BURSTS; burst += 1) {
    const ours = await timed(() => Promise.all(sessions.map((key) => execTrue(gateway, key))));
    await pause(Math.max(BURST_REST_MS_MIN, BURST_REST_SHARE * raw));
    raw = await rawBurst();
    // In the first one nothing waits yet.
    if (burst > 0) rounds.push({ ours, raw });
  }
  return compare(`a burst of ${SANDBOXES} execs over ${SANDBOXES} sandboxes`, rounds, { budgetMs: 0 });
}

/** A gigabyte to one reader, in each form that there is. */
async function stream(gateway: Gateway, site: Site): Promise<Row[]> {
  const [key = ""] = gateway.sessions;
  const [container] = gateway.containers;
  if (container === undefined) throw new Error("no container");
  const form =
    (accept: string) =>
    async (command: string): Promise<number> => {
      const { body } = await call(gateway, toolPath(key), { command, timeout: 600 }, accept);
      let bytes = 0;
      for await (const chunk of body ?? []) bytes += chunk.length;
      return bytes;
    };
  const forms = { frames: form(FRAMES_TYPE), "server-sent events": form("text/event-stream") };
  return await gigabyte({ stateDir: site.stateDir, container, forms, raw: rawExec, memoryMb: () => residentMb(gateway.processes) });
}

/** @param sandboxes of the gateway that is measured */
async function measure(sandboxes: number, work: (gateway: Gateway, site: Site) => Promise<Row[]>): Promise<Row[]> {
  const config = { gateway: { mode: "local" }, agents: { defaults: { sandbox: { mode: "all", scope: "session" } } } };
  const site = await openSite(config);
  const opened = await openGateway(site, sandboxes);
  try {
    return await work(opened, site);
  } finally {
    await endAll(opened.processes, "SIGTERM");
    await site.close();
  }
}

export const gateway = (): Promise<Row[]> =>
  measure(SANDBOXES, async (opened) => [await one(opened), await bursts(opened), await many(opened)]);

export const output = (): Promise<Row[]> => measure(1, stream);
