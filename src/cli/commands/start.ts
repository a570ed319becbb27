// `openclaw start`: the controller and the gateway as two processes of this program, ended together.
// What each of them does is its own command's.
import { type ChildProcess, spawn } from "node:child_process";
import { refuseInCommandService } from "../command-service.ts";
import { type CliContext, EXIT, type ExitCode, printNote } from "../context.ts";
import { DetachedRun } from "../detached-start.ts";
import { untilFormerEnded } from "../former-run.ts";
import { toConfigPath, toStateDir } from "../paths.ts";
import { PROGRAM } from "../program-file.ts";
import type { GatewayFlags } from "./gateway.ts";

export interface StartFlags extends GatewayFlags {
  metricsListen?: string;
  /** In the background; answers as soon as both are up. */
  detach?: boolean;
  /** This is the process in the background. */
  detached?: boolean;
}

/** Both end within a second; an engine call that hangs has deadlines above this. */
const STOP_MS_MAX = 15_000;

/** Exit code 0 when it was stopped by a signal, 1 when one of the two ended by itself: the other is stopped too, so that a supervisor sees it. */
export async function startBoth(context: CliContext, flags: StartFlags): Promise<ExitCode> {
  refuseInCommandService(context.env);
  // The process in the background has nobody to tell, and whoever started it has waited.
  if (flags.detached !== true) {
    await untilFormerEnded(context, toStateDir(context, flags));
    await buildImage(context, flags);
  }
  if (flags.detach === true) {
    const { startDetached } = await import("./start-detached.ts");
    return await startDetached(context, toOwnArguments(context, flags), flags);
  }
  const shared = ["--state-dir", toStateDir(context, flags), "--config", toConfigPath(context, flags), ...toArguments(flags, ["logLevel"])];
  // Before anything is started: whoever comes second starts nothing.
  let stop = (): void => undefined;
  const run =
    flags.detached === true ? await DetachedRun.begin(toStateDir(context, flags), { startedAt: context.now(), stop: () => stop() }) : null;
  const children = new Map<string, ChildProcess>([
    ["controller", launch(context, ["controller", ...shared, ...toArguments(flags, ["metricsListen"])])],
    ["gateway", launch(context, ["gateway", ...shared, ...toArguments(flags, ["port", "bind", "allowUnconfigured", "adopt"])])],
  ]);
  const ends = [...children].map(([name, child]) => untilEnd(name, child));
  const signalAll = (signal: NodeJS.Signals): void => void [...children.values()].map((child) => child.kill(signal));
  let timer: NodeJS.Timeout | undefined;
  const killLater = (): void => {
    timer ??= setTimeout(signalAll, STOP_MS_MAX, "SIGKILL");
  };
  let stopped = false;
  // The gateway first, so that the controller still sees the sessions it ends. A second signal stops both at once.
  stop = (): void => {
    if (stopped) signalAll("SIGTERM");
    else children.get("gateway")?.kill("SIGTERM");
    stopped = true;
    killLater();
  };
  const listening = (["SIGINT", "SIGTERM"] as const).map((signal) => context.onSignal(signal, () => stop()));
  const first = await Promise.race(ends);
  if (!stopped) printNote(context, `openclaw: the ${first} exited; stopping the other one`);
  signalAll("SIGTERM");
  killLater();
  await Promise.all(ends);
  clearTimeout(timer);
  for (const end of listening) end();
  await run?.end();
  return stopped ? EXIT.ok : EXIT.failed;
}

/** Loaded for it alone: who starts stays as long as the two do. */
async function buildImage(context: CliContext, flags: StartFlags): Promise<void> {
  const [{ buildFirstImage }, tools] = await Promise.all([import("../first-image.ts"), import("../host-programs.ts")]);
  await buildFirstImage(context, flags, tools);
}

/** As they would be typed here: the process in the background has the same folders. */
function toOwnArguments(context: CliContext, flags: StartFlags): string[] {
  const names = ["logLevel", "metricsListen", "port", "bind", "allowUnconfigured", "adopt"] as const;
  return ["--state-dir", toStateDir(context, flags), "--config", toConfigPath(context, flags), ...toArguments(flags, names)];
}

/**
 * A group of its own: Ctrl-C at the terminal is for this process, which ends both in order. By the channel the child notices when this process is gone and
 * has ended nobody.
 */
function launch(context: CliContext, args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [...process.execArgv, PROGRAM, ...args], {
    detached: true,
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    env: { ...context.env },
  });
}

function untilEnd(name: string, child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once("exit", () => resolve(name));
    child.once("error", () => resolve(name));
  });
}

/** `logLevel: "debug"` is `--log-level debug`. */
function toArguments(flags: StartFlags, names: readonly (keyof StartFlags)[]): string[] {
  return names.flatMap((name) => {
    const value = flags[name];
    const flag = `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    if (value === undefined || value === false) return [];
    return value === true ? [flag] : [flag, value];
  });
}
