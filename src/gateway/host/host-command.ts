// One command on the gateway's own host, in a process group of its own: started, signalled, and ended together with everything it started. Who may
// run one, and where its output goes, is up to the callers.
import { type ChildProcess, spawn } from "node:child_process";
import { OperationError } from "../../api/errors.ts";
import { KILL_ALL, type KillTarget, MARK_VARIABLE, toKillArguments, toKillEnvironment } from "../../api/kill-script.ts";

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
  child: ChildProcess;
  /** Exit code, once nothing holds its output any more. Rejects with `HostRejected`: it could not be started. */
  exit: Promise<number>;
  /** A name as `kill -l` prints it. KILL reaches what left the group, too. */
  signal(name: string): Promise<void>;
}

/** 128 + 9, as a shell says it. */
const KILLED = 137;

export function startOnHost({ env, shell, newId }: HostParts, request: HostRequest): HostCommand {
  const [name = "", ...rest] = request.argv;
  const [program = "", ...args] = name === "/bin/sh" ? [...(shell ?? [name]), ...rest] : [name, ...rest];
  const mark = newId();
  const child = spawn(program, args, {
    detached: true,
    cwd: request.workdir,
    env: { ...env, ...request.env, [MARK_VARIABLE]: mark },
    stdio: [request.stdin ? "pipe" : "ignore", "pipe", "pipe"],
  });
  const exit = new Promise<number>((resolve, reject) => {
    child.once("close", (code) => resolve(code ?? KILLED));
    child.once("error", (cause) =>
      reject(new OperationError("HostRejected", `the command could not be started in ${request.workdir}: ${cause.message}`, { cause })),
    );
  });
  exit.catch(() => undefined);
  const signal = async (signalName: string): Promise<void> => {
    const group = child.exitCode === null && child.signalCode === null ? child.pid : undefined;
    // Before its parents are gone, while what left the group can still be found through them.
    if (signalName === "KILL") await killAll(newId(), { mark, leader: group === undefined ? null : String(group) });
    if (group !== undefined && child.exitCode === null && child.signalCode === null) signalGroup(group, `SIG${signalName}`);
  };
  return { child, exit, signal };
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
