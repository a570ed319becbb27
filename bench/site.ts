// A controller in this process over an engine, in a temporary state folder. Everything that it makes carries an instance of its own and is
// gone at the end, also after a failure or Ctrl-C. It measures nothing but which engine calls were made.
import { randomBytes, randomUUID } from "node:crypto";
import { mkdir, mkdtemp, realpath, rename, rm, writeFile } from "node:fs/promises";
import { availableParallelism, homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { type SandboxName, toInstanceId } from "../src/api/brands.ts";
import { createSystemClock } from "../src/api/clock.ts";
import type { Sandbox } from "../src/api/sandbox.ts";
import { Controller } from "../src/controller/controller.ts";
import { connectDocker } from "../src/controller/engine/connect.ts";
import type { Engine } from "../src/controller/engine/engine.ts";
import { ControllerMetrics } from "../src/controller/metrics/metrics.ts";
import { startServers } from "../src/controller/serving.ts";
import { Health } from "../src/controller/views/health.ts";
import { whenInterrupted } from "./begun.ts";
import { removeContainers } from "./raw-engine.ts";

export const IMAGE = "openclaw-sandbox:bookworm-slim";
/** As many passes at the same time as the product makes (controller/main.ts). */
const CONCURRENCY = 3 * availableParallelism();
/** Longest wait for one sandbox, and for each of all of a site beyond that: a benchmark that hangs says so. */
const WAIT_MS_MAX = 180_000;
const WAIT_EACH_MS_MAX = 10;

/** Up to so many sandboxes a look costs less than 0.1 ms; with more, looks keep this distance. */
const LOOK_AT_ONCE_MAX = 200;
const LOOK_INTERVAL_MS = 50;

/** What the engine was asked for: calls and milliseconds by operation. */
export type EngineCalls = Map<string, { count: number; ms: number }>;

export interface Site {
  stateDir: string;
  instance: string;
  /** Label of raw containers beside it. */
  rawLabel: string;
  controller: Controller;
  /** Opens the controller's sockets, as its process does before it starts; they end with the site. */
  serve(): Promise<void>;
  /** Since it was last cleared. */
  calls: EngineCalls;
  /** Called at the end of each call, with what it took. */
  heard: Set<(operation: string, ms: number) => void>;
  writeConfig(config: object): Promise<void>;
  writeFile(path: string, content: string): Promise<void>;
  /** Resolves with the sandbox, as soon as a status of it satisfies. */
  until(holds: (sandbox: Sandbox) => boolean): Promise<Sandbox>;
  /** Resolves as soon as there are so many sandboxes and each is right. */
  untilAll(count: number): Promise<void>;
  close(): Promise<void>;
}

export const isConverged = ({ status }: Sandbox): boolean =>
  status.container !== null && status.conditions.every((condition) => condition.status === "True");

/** @param given a model of the engine instead of the real one */
export async function openSite(config: object, given?: (instance: string) => Engine): Promise<Site> {
  const stateDir = await realpath(await mkdtemp(join(tmpdir(), "openclaw-bench-")));
  const instance = `bench-${randomBytes(4).toString("hex")}`;
  const configPath = join(stateDir, "openclaw.json");
  await replace(configPath, JSON.stringify(config));
  await mkdir(join(stateDir, "agents", "main", "sessions"), { recursive: true });
  const calls: EngineCalls = new Map();
  const heard: Site["heard"] = new Set();
  const { controller, serve } = await openController({ stateDir, instance, configPath, calls, heard, given });
  const servers = new AsyncDisposableStack();
  const site: Site = {
    stateDir,
    instance,
    rawLabel: `${instance}-raw`,
    controller,
    serve: () => serve(servers),
    calls,
    heard,
    writeConfig: (next) => replace(configPath, JSON.stringify(next)),
    writeFile: replace,
    until: (holds) => watch(controller, () => controller.statuses.list().find(holds)),
    untilAll: (count) => untilAll(controller, count),
    close: whenInterrupted(async () => {
      await servers.disposeAsync();
      await controller.stop();
      if (given === undefined) for (const label of [instance, site.rawLabel]) await removeContainers(label);
      await rm(stateDir, { recursive: true, force: true });
    }),
  };
  return site;
}

interface Place {
  stateDir: string;
  instance: string;
  configPath: string;
  calls: EngineCalls;
  heard: Site["heard"];
  given: ((instance: string) => Engine) | undefined;
}

interface Opened {
  controller: Controller;
  /** @param servers ends them */
  serve(servers: AsyncDisposableStack): Promise<void>;
}

async function openController({ stateDir, instance, configPath, calls, heard, given }: Place): Promise<Opened> {
  const metrics = new ControllerMetrics({ version: "bench", revision: "bench", processMetrics: false });
  const observer: ControllerMetrics["engineRequest"] = (operation, code, seconds) => {
    metrics.engineRequest(operation, code, seconds);
    const known = calls.get(operation) ?? { count: 0, ms: 0 };
    calls.set(operation, { count: known.count + 1, ms: known.ms + seconds * 1_000 });
    for (const hear of heard) hear(operation, seconds * 1_000);
  };
  const connect = async (): Promise<Engine> =>
    await connectDocker({ instance: toInstanceId(instance), environment: process.env, home: homedir(), observer });
  const folders = { stateDir, home: homedir() };
  const parts = {
    folders,
    configPath,
    environment: { ...folders, variables: {}, trustedOwners: null },
    engine: given === undefined ? await connect() : given(instance),
    clock: createSystemClock(),
    random: Math.random,
    newUid: randomUUID,
    owner: { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 },
    concurrency: CONCURRENCY,
    log: pino({ level: "silent" }),
    metrics,
  };
  const controller = await Controller.open(parts);
  const health = new Health({ configPath, version: "bench", stateDir, startedAt: parts.clock.now() });
  health.watch(controller, await parts.engine.info(), parts.engine.instance);
  const serve = async (servers: AsyncDisposableStack): Promise<void> => {
    await startServers({ ...parts, controller, status: () => health.view(), variables: {} }, servers);
    health.serversOpen = true;
  };
  return { controller, serve };
}

/** As an editor that saves: a new file takes the old one's place. */
async function replace(path: string, content: string): Promise<void> {
  await writeFile(`${path}.tmp`, content, { mode: 0o600 });
  await rename(`${path}.tmp`, path);
}

/** Counts what each change says: looking at all of ten thousand after each would be the benchmark. */
async function untilAll({ statuses }: Controller, count: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const waitMs = WAIT_MS_MAX + count * WAIT_EACH_MS_MAX;
  const timer = setTimeout(() => reject(new Error(`not reached within ${waitMs / 1_000} s`)), waitMs);
  const converged = new Set<SandboxName>();
  const note = (sandbox: Sandbox): void => {
    if (isConverged(sandbox)) converged.add(sandbox.metadata.name);
    else converged.delete(sandbox.metadata.name);
  };
  const check = (): void => {
    if (converged.size === count && statuses.size === count) resolve();
  };
  for (const sandbox of statuses.list()) note(sandbox);
  const end = statuses.subscribe((change) => {
    if (change.kind === "put") note(change.sandbox);
    else converged.delete(change.name);
    check();
  });
  check();
  try {
    await promise;
  } finally {
    end();
    clearTimeout(timer);
  }
}

/** Looks again once a status changed, but not more often than a look at all of them is cheap: ten thousand looks would be the benchmark. */
async function watch<T>(controller: Controller, look: () => T | undefined): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const timer = setTimeout(() => reject(new Error(`not reached within ${WAIT_MS_MAX / 1_000} s`)), WAIT_MS_MAX);
  let due = false;
  const check = (): void => {
    due = false;
    const found = look();
    if (found !== undefined) resolve(found);
  };
  const end = controller.statuses.subscribe(() => {
    if (due) return;
    due = true;
    if (controller.desired.names().length > LOOK_AT_ONCE_MAX) setTimeout(check, LOOK_INTERVAL_MS);
    else setImmediate(check);
  });
  check();
  try {
    return await promise;
  } finally {
    end();
    clearTimeout(timer);
  }
}
