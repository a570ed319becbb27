// Commands in the foreground on the gateway's own host end with the gateway, even after a kill -9: a shell beside them waits for its end. It does not
// touch background commands, which outlive the gateway.
import { type ChildProcess, spawn } from "node:child_process";
import { KILL_ALL, toKillArguments, toKillEnvironment } from "../../api/kill-script.ts";
import type { HostParts } from "./host-command.ts";

/** Its arguments are those of `KILL_ALL`, with how marks begin for a mark. The kernel ends its input with the gateway; signals to a terminal's or a unit's processes are not for it. */
const KILL_AFTER_INPUT = `trap '' HUP INT TERM
read -r nothing
${KILL_ALL}`;

/** The same parts, for commands whose marks say which run of the gateway they belong to. The shell is started with the first of them. */
export function endWithGateway(parts: HostParts): HostParts {
  const run = parts.newId();
  let waiting: ChildProcess | null = null;
  const wait = (): ChildProcess => {
    const own = parts.newId();
    const child = spawn(
      "/bin/sh",
      ["-c", KILL_AFTER_INPUT, "openclaw-foreground", ...toKillArguments(own, [{ mark: run, leader: null }])],
      {
        detached: true,
        env: toKillEnvironment(own),
        cwd: "/",
        stdio: ["pipe", "ignore", "ignore"],
      },
    );
    const forget = (): void => {
      waiting = null;
    };
    child.once("exit", forget).once("error", forget);
    child.stdin.on("error", () => undefined);
    child.unref();
    return child;
  };
  const newId = (): string => {
    if (waiting === null) waiting = wait();
    return `${run}${parts.newId()}`;
  };
  return { ...parts, newId };
}
