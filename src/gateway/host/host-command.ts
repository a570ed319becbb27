// One command on the gateway's own host, in a process group of its own: started, signalled, and ended together with everything it started. Who may
// run one, and where its output goes, is up to the callers.
import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:os";
import { errnoOf } from "../../api/errno.ts";
import { KILL_ALL, type KillTarget, MARK_VARIABLE, toKillArguments, toKillEnvironment } from "../../api/kill-script.ts";
import { toStartFailure } from "./start-failure.ts";

export interface HostParts {
  /** The environment of commands, before their own; without what is the gateway's own secret. */
  env: Readonly<Record<string, string | undefined>>;
  /** What `/bin/sh` means. Absent: itself. */
  shell?: readonly string[];
  /** 8 to 32 of `[a-z0-9]`, never the same again. */
  newId(): string;
}

export interface HostRequest {
  argv: readonly string[];
  env?: Readonly<Record<string, string>>;
  workdir: string;
  stdin: boolean;
}

export interface HostCommand {
  /** null: it could not be started, as `exit` says. */
  child: ChildProcess | null;
  /**
   * Exit code, or 128 and the number of the signal that ended it; something else may hold its output still. Rejects with an `OperationError`
   * when it could not be started: `InvalidArgument` (too large, no such folder), `LimitExceeded`, `HostRejected`.
   */
  exit: Promise<number>;
  /** A name as `kill -l` prints it. KILL reaches what left the group, too. */
  signal(name: string): Promise<void>;
}

/** As shells say that a signal ended something: 128 and its number. */
const SIGNALLED = 128;

export function startOnHost(parts: HostParts, request: HostRequest): HostCommand {
  const mark = parts.newId();
  const env = { ...parts.env, ...request.env, [MARK_VARIABLE]: mark };
  const child = spawnChild(parts.shell, request, env);
  const toFailure = async (cause: unknown): Promise<never> => {
    throw await toStartFailure(cause, { ...request, env });
  };
  if (child instanceof Error) {
    const exit = toFailure(child);
    exit.catch(() => undefined);
    return { child: null, exit, signal: async () => undefined };
  }
  const ended = new Promise<number>((resolve, reject) => {
    child.once("exit", (code, signalName) => resolve(code ?? SIGNALLED + (signalName === null ? 0 : constants.signals[signalName])));
    child.once("error", reject);
  });
  const exit = ended.catch(toFailure);
  exit.catch(() => undefined);
  const isRunning = (): boolean => child.exitCode === null && child.signalCode === null;
  const signal = async (name: string): Promise<void> => {
    const group = isRunning() ? child.pid : undefined;
    // Before its parents are gone, while what left the group can still be found through them.
    if (name === "KILL") await killAll(parts.newId(), { mark, leader: group === undefined ? null : String(group) });
    if (group !== undefined && isRunning()) signalGroup(group, `SIG${name}`);
  };
  return { child, exit, signal };
}

/** What a shell can be sent by itself, and what a group can: KILL, and what stops and goes on, are left as they are. */
const CAUGHT = [1, 2, 3, 10, 12, 13, 14, 15, 16];
/** The kernel's own, between what threads take for themselves and the end. Only Linux has them. */
const REAL_TIME = process.platform === "linux" ? Array.from({ length: 31 }, (_, index) => 34 + index) : [];

/**
 * Runs its arguments as a command, and ends with what that ended with. Node takes a signal that it has no name for, as a real-time one, for success; a
 * shell has numbers. What the group is sent ends the command alone, so that its own end is told. That a signal ended it the shell says to nobody.
 */
const REPORT_END = `trap : ${[...CAUGHT, ...REAL_TIME].join(" ")}
exec 3>&2 2>/dev/null
(exec "$@" 2>&3 3>&-)
exit $?`;

/** Some failures are thrown, and some are told by the child: the caller learns both from `exit`. */
function spawnChild(shell: HostParts["shell"], { argv, workdir, stdin }: HostRequest, env: NodeJS.ProcessEnv): ChildProcess | Error {
  const [name = "", ...rest] = argv;
  const [program = "", ...args] =
    name === "/bin/sh" ? [name, "-c", REPORT_END, "openclaw-command", ...(shell ?? [name]), ...rest] : [name, ...rest];
  try {
    return spawn(program, args, { detached: true, cwd: workdir, env, stdio: [stdin ? "pipe" : "ignore", "pipe", "pipe"] });
  } catch (error) {
    if (errnoOf(error) === "" || !(error instanceof Error)) throw error;
    return error;
  }
}

function signalGroup(group: number, signalName: string): void {
  try {
    process.kill(-group, signalName as NodeJS.Signals);
  } catch {
    // It has ended meanwhile.
  }
}

/** What left the group is found by its mark and its parents, where there is /proc. */
async function killAll(own: string, target: KillTarget): Promise<void> {
  const script = spawn("/bin/sh", ["-c", KILL_ALL, "openclaw-kill", ...toKillArguments(own, [target])], {
    env: toKillEnvironment(own),
    stdio: "ignore",
  });
  await new Promise<void>((resolve) => {
    script.once("close", () => resolve());
    script.once("error", () => resolve());
  });
}
