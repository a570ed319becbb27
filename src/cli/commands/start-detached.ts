// `openclaw start --detach` and `openclaw stop`: the same processes as `start`, in the background of this host, and their end. Where systemd or Compose runs
// them, they start and end them. What the two know of each other is detached-start.ts's.
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { renderTime } from "../../api/brands.ts";
import { isErrorCode, OperationError } from "../../api/errors.ts";
import { findPlace } from "../../api/place.ts";
import { openStateFolder } from "../../api/store/state-folder.ts";
import { AdminClient } from "../admin-client.ts";
import { type CliContext, EXIT, type ExitCode, print, printNote } from "../context.ts";
import { findDetached, stopDetached, toStartLogPath } from "../detached-start.ts";
import { askGateway, type GatewayHealth } from "../gateway-health.ts";
import { type StateOptions, toStateDir } from "../paths.ts";
import { PROGRAM } from "../program-file.ts";

/** The engine may have to be waited for; then it goes on in the background. */
const READY_MS_MAX = 60_000;
const LOOK_MS = 200;
const LOG_LINES_SHOWN = 5;
/** pino's number for it. */
const LEVEL_ERROR = 50;

/** @param args of the `start` that is run */
export async function startDetached(context: CliContext, args: readonly string[], options: StateOptions): Promise<ExitCode> {
  requireHost(context, "openclaw start");
  const stateDir = toStateDir(context, options);
  const running = await findDetached(stateDir, context.now());
  if (running !== null)
    throw new OperationError("HostRejected", `it is running already (pid ${running.pid}, since ${renderTime(running.startedAt)})`, {
      fix: "to end it: openclaw stop",
    });
  await openStateFolder(stateDir);
  const log = toStartLogPath(stateDir);
  const from = sizeOf(log);
  const child = launch(context, [...args, "--detached"], log);
  try {
    await untilReady(context, child, { stateDir, log, from });
    print(context, `Running in the background (pid ${child.pid ?? "?"}); log: ${log}\nStop it with: openclaw stop`);
    return EXIT.ok;
  } finally {
    child.unref();
  }
}

/** @throws OperationError `HostRejected` */
function requireHost(context: CliContext, command: string): void {
  const { kind } = findPlace(context.env, context.program);
  if (kind === "host") return;
  throw new OperationError("HostRejected", `${kind === "compose" ? "Compose" : "systemd"} starts and ends the processes here`, {
    fix: command,
  });
}

function launch({ env }: CliContext, args: readonly string[], log: string): ChildProcess {
  mkdirSync(dirname(log), { recursive: true, mode: 0o700 });
  const output = openSync(log, "a", 0o600);
  try {
    const argv = [...process.execArgv, PROGRAM, "start", ...args];
    return spawn(process.execPath, argv, { detached: true, stdio: ["ignore", output, output], env: { ...env } });
  } finally {
    closeSync(output);
  }
}

/** @param paths with where in the log this start begins, bytes */
async function untilReady(context: CliContext, child: ChildProcess, paths: { stateDir: string; log: string; from: number }): Promise<void> {
  const { stateDir, log, from } = paths;
  let ended: string | null = null;
  child.once("exit", (code, signal) => {
    ended = `exit code ${code ?? signal}`;
  });
  child.once("error", (error) => {
    ended = error.message;
  });
  const end = performance.now() + READY_MS_MAX;
  while (performance.now() < end) {
    if (ended !== null) {
      const said = toReasons(readFileSync(log).subarray(from).toString("utf8"));
      throw new OperationError("HostRejected", `it ended at once (${ended}):\n${said}`, { fix: `see ${log}` });
    }
    if ((await isControllerUp(stateDir)) && (await isGatewayUp(context, stateDir))) return;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  printNote(context, `openclaw: it is not ready yet, and goes on starting; to see why: openclaw status`);
}

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

/** The last lines that say what is wrong: whoever is ended with the one that failed logs that, and more, after it. Where none does, the last ones. */
export function toReasons(log: string): string {
  const lines = log.trimEnd().split("\n");
  const wrong = lines.filter((line) => !isNews(line));
  return (wrong.length === 0 ? lines : wrong).slice(-LOG_LINES_SHOWN).join("\n");
}

/** A line of pino's below `error`. */
function isNews(line: string): boolean {
  try {
    return Number(JSON.parse(line).level) < LEVEL_ERROR;
  } catch {
    return false;
  }
}

async function isControllerUp(stateDir: string): Promise<boolean> {
  return await new AdminClient(stateDir).status().then(
    () => true,
    (error: unknown) => {
      if (isErrorCode(error, "ControllerUnreachable")) return false;
      throw error;
    },
  );
}

/** One that answers is up, whatever it says. */
async function isGatewayUp(context: CliContext, stateDir: string): Promise<boolean> {
  const health: GatewayHealth | null = await askGateway(context, { stateDir }).catch((error: unknown) => {
    if (error instanceof OperationError) return null;
    throw error;
  });
  return health !== null;
}

export async function stopBoth(context: CliContext, options: StateOptions & { timeout: number }): Promise<ExitCode> {
  requireHost(context, "openclaw stop");
  const stateDir = toStateDir(context, options);
  const holder = await findDetached(stateDir, context.now());
  if (holder === null)
    throw new OperationError("NotFound", `nothing was started with openclaw start --detach on ${stateDir}`, {
      fix: "what runs in a terminal ends with Ctrl-C there; openclaw status shows what runs",
    });
  await stopDetached(stateDir, holder, { now: context.now, timeoutMs: options.timeout });
  print(context, "Stopped; sandboxes stay as they are.");
  return EXIT.ok;
}
