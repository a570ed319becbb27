// The controller as a process: the one place in it that reads the clock, chance, environment and signals. Wires and waits; decides nothing.
import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { availableParallelism, hostname } from "node:os";
import { performance } from "node:perf_hooks";
import { setTimeout as pause } from "node:timers/promises";
import { type DurationMs, type InstanceId, MINUTE_MS, SECOND_MS, toInstanceId } from "../api/brands.ts";
import { createSystemClock } from "../api/clock.ts";
import { type Config, type HostFolders, toEngineKind } from "../api/config/config.ts";
import { loadConfig } from "../api/config/load.ts";
import { OperationError, renderError } from "../api/errors.ts";
import { renderEvent } from "../api/event.ts";
import type { ExplainView } from "../api/explain-view.ts";
import { tuneGarbageCollection } from "../api/garbage.ts";
import { type Issue, renderIssue } from "../api/issue.ts";
import { createLog } from "../api/log.ts";
import { toDefaultInstance } from "../api/names.ts";
import { toPackageFile } from "../api/package-file.ts";
import { findPlace, toPlace } from "../api/place.ts";
import { stopSignal } from "../api/stop-signal.ts";
import { openStateFolder } from "../api/store/state-folder.ts";
import { StateLock } from "../api/store/state-lock.ts";
import type { DoctorView } from "../api/wire.ts";
import { Controller } from "./controller.ts";
import type { Owner } from "./decide/spec.ts";
import { connectDocker } from "./engine/connect.ts";
import type { DockerEngine } from "./engine/docker.ts";
import type { EngineInfo } from "./engine/engine.ts";
import { readContainerIds } from "./engine/own-container.ts";
import { startHealthServer } from "./metrics/health-server.ts";
import { ControllerMetrics } from "./metrics/metrics.ts";
import type { ControllerOptions } from "./parts.ts";
import { toStatePaths } from "./records/state-paths.ts";
import { type ServingParts, startServers } from "./serving.ts";
import type { ExplainQuery } from "./views/admin-views.ts";
import { Health } from "./views/health.ts";
import { findHostIssues } from "./views/host-issues.ts";
import { doctorOffline, explainOffline, type OfflineHost, type OfflineOptions } from "./views/offline.ts";

export interface RunOptions {
  /** Absolute. Made when it is not there. */
  stateDir: string;
  /** Absolute. */
  configPath: string;
  /** `host:port`; port 0 is any free one. */
  metricsListen: string;
  /** Absent: derived from the state folder's path. */
  instance?: string;
  /** Converge, print what was done, and end. */
  once: boolean;
  /** pino's: trace, debug, info, warn, error, fatal, silent. */
  logLevel: string;
  /** Home folder of the user. */
  home: string;
}

/** Creations at the same time per core; beyond 2 to 4 an engine gets slower, not faster. */
const PASSES_PER_CORE = 3;
const CONNECT_RETRY_MS = (2 * SECOND_MS) as DurationMs;
/** A state folder that was deleted or replaced is noticed within this. */
const LOCK_LOOK_MS = (5 * SECOND_MS) as DurationMs;
/** A setup may take 15 minutes; nothing else takes one. */
const ONCE_MS_MAX = (16 * MINUTE_MS) as DurationMs;

/** Exit code: 0 stopped by a signal (or converged, with `once`), 1 otherwise. @throws OperationError what keeps it from starting */
export async function runController(options: RunOptions): Promise<number> {
  tuneGarbageCollection();
  const clock = createSystemClock();
  const level = options.once && options.logLevel === "info" ? "warn" : options.logLevel;
  const place = findPlace(process.env, "openclaw");
  const say = (text: string): string => toPlace(text, place);
  const log = createLog({ level, isTerminal: process.stderr.isTTY === true, say });
  const stateDir = await openStateFolder(options.stateDir);
  const named = options.instance === undefined ? null : toInstanceId(options.instance);
  const identify = (engineStateDir: string): InstanceId => named ?? toDefaultInstance(engineStateDir);
  const paths = toStatePaths(stateDir);
  const lock = await StateLock.acquire(paths.controller, { pid: process.pid, host: hostname(), startedAt: clock.now() });
  const stopped = stopSignal(process);
  // Ended again in reverse, also when a later step fails: a process that can't start must not look as if it worked.
  await using begun = new AsyncDisposableStack();
  begun.defer(() => log.info("stopped"));
  begun.defer(() => lock.release());
  const { version, revision } = await readBuild();
  const metrics = new ControllerMetrics({ version, revision });
  const health = new Health({ configPath: options.configPath, version, stateDir, startedAt: clock.now() });
  metrics.watchReady(() => health.ready());
  if (!options.once) {
    const parts = { registry: metrics.registry, live: () => health.live(), ready: () => health.ready() };
    const server = await startHealthServer(parts, options.metricsListen);
    begun.defer(() => server.close());
    log.info({ metrics: `http://${server.host}:${server.port}/metrics`, state: stateDir, version }, "controller started");
  }
  const told = { observer: metrics.engineRequest.bind(metrics), commandBegun: metrics.execBegun.bind(metrics) };
  const connect = async (): Promise<Connected> => {
    const kind = await findEngineKind(options.configPath, { stateDir, home: options.home });
    const engine = await connectDocker({ instance: identify, stateDir, environment: process.env, home: options.home, kind, ...told });
    return { engine, info: await engine.info() };
  };
  const connected = options.once ? await connect() : await connectWhenReady(connect, stopped, log);
  if (connected === null) return 0;
  const { engine, info } = connected;
  const owner = processOwner();
  const folders = { stateDir, home: options.home };
  const controller = await Controller.open({
    folders,
    configPath: options.configPath,
    environment: { ...folders, variables: process.env, trustedOwners: [owner.uid, 0] },
    engine,
    clock,
    random: Math.random,
    newUid: randomUUID,
    owner,
    concurrency: PASSES_PER_CORE * availableParallelism(),
    log,
    metrics,
  });
  begun.defer(() => controller.stop());
  health.watch(controller, info, engine.instance);
  if (options.once) return await converge(controller);
  const status = health.view.bind(health);
  const serving = { controller, status, folders, engine, owner, clock, log, metrics, variables: process.env, newUid: randomUUID };
  return await serve({ serving, health, lock, stopped });
}

/** The same look at the machine as a controller's, for when none runs. */
export const runDoctor = (options: OfflineOptions): Promise<DoctorView> => doctorOffline(options, hostOfProcess());

/** What this host would refuse of a valid config, as a controller of this process's user would find. */
export const runConfigCheck = (config: Config, folders: HostFolders): Promise<Issue[]> =>
  findHostIssues(config, { folders, owner: processOwner(), now: createSystemClock().now() });

/** What the config alone tells, for when no controller runs. @throws OperationError `InvalidConfig`, `NotFound` */
export const runExplain = ({ query, ...options }: OfflineOptions & { query: ExplainQuery }): Promise<ExplainView> =>
  explainOffline(query, options, hostOfProcess());

const hostOfProcess = (): OfflineHost => ({
  variables: process.env,
  owner: processOwner(),
  now: createSystemClock().now,
  containerIds: readContainerIds,
  connect: connectDocker,
});

const processOwner = (): Owner => ({ uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 });

/** Ends early when the process is asked to end. */
async function waitUnlessStopped(duration: DurationMs, stopped: AbortSignal): Promise<void> {
  await pause(duration, undefined, { signal: stopped }).catch(() => undefined);
}

async function readBuild(): Promise<{ version: string; revision: string }> {
  const text = await readFile(toPackageFile("package.json"), "utf8");
  const { version }: { version?: unknown } = JSON.parse(text);
  return { version: String(version), revision: process.env.OPENCLAW_REVISION ?? "unknown" };
}

interface Connected {
  engine: DockerEngine;
  info: EngineInfo;
}

/** The config is judged later, with everything that it says: here one that is not valid asks for no engine. */
async function findEngineKind(configPath: string, folders: HostFolders): Promise<"docker" | "podman" | null> {
  const parsed = await loadConfig(configPath, { ...folders, variables: process.env, trustedOwners: null });
  return parsed.ok ? toEngineKind(parsed.value) : null;
}

/** Without an engine the process lives, says so, and tries again. null: it was asked to end meanwhile. */
async function connectWhenReady(
  connect: () => Promise<Connected>,
  stopped: AbortSignal,
  log: ControllerOptions["log"],
): Promise<Connected | null> {
  let told = "";
  while (!stopped.aborted) {
    try {
      const connected = await connect();
      log.info({ endpoint: connected.info.endpoint, instance: connected.engine.instance }, "engine found");
      return connected;
    } catch (error) {
      if (!(error instanceof OperationError)) throw error;
      if (told !== error.message) log.error({ code: error.code, fix: error.fix }, renderError(error));
      told = error.message;
      await waitUnlessStopped(CONNECT_RETRY_MS, stopped);
    }
  }
  return null;
}

interface ServeParts {
  serving: ServingParts;
  health: Health;
  lock: StateLock;
  stopped: AbortSignal;
}

async function serve({ serving, health, lock, stopped }: ServeParts): Promise<number> {
  const { controller, log } = serving;
  await using servers = new AsyncDisposableStack();
  await startServers(serving, servers);
  health.serversOpen = true;
  await controller.start();
  const lost = await untilLost(lock, stopped);
  if (lost) log.fatal("the state folder's lock was replaced under this process; stopping, since another controller may work there");
  log.info("stopping; containers stay as they are");
  return lost ? 1 : 0;
}

/** Resolves when the process is asked to end (false), or when the lock is no longer the one that the next controller would take (true). */
async function untilLost(lock: StateLock, stopped: AbortSignal): Promise<boolean> {
  while (!stopped.aborted) {
    if (!(await lock.isIntact())) return true;
    await waitUnlessStopped(LOCK_LOOK_MS, stopped);
  }
  return false;
}

/** Reasons that end by themselves soon: others that take the same change are among them. */
const UNDER_WAY: ReadonlySet<string> = new Set(["Progressing", "Converging", "WaitsForCanary", "WaitsForTurn"]);

/** Works until nothing is left to do but wait, then says what was done and what was not. */
async function converge(controller: Controller): Promise<number> {
  const startedMs = performance.now();
  const firstId = controller.events.lastId;
  await controller.start();
  const busy = (): boolean =>
    controller.statuses.list().some(({ status }) => status.conditions.some(({ reason }) => UNDER_WAY.has(reason)));
  do {
    await controller.loop.onIdle();
    if (!busy()) break;
    await pause(50);
  } while (performance.now() - startedMs < ONCE_MS_MAX);
  for (const event of controller.events.list({ afterId: firstId })) process.stdout.write(`${renderEvent(event)}\n`);
  const left = controller.unconverged();
  const { ok, issues, loadedAt } = controller.config.view;
  for (const issue of issues) process.stderr.write(`${renderIssue(issue)}\n`);
  for (const { name, because } of left) process.stderr.write(`not converged: ${name}: ${because}\n`);
  const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
  if (left.length > 0 || !ok || loadedAt === null || !controller.engineSource.loaded) return 1;
  process.stdout.write(`converged: ${controller.statuses.list().length} sandboxes in ${seconds} s\n`);
  return 0;
}
