// A terminal for a command on the gateway's host, by script(1) of util-linux: Node can't make one itself.
// How the command runs is host-command.ts.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { OperationError } from "../../api/errors.ts";
import type { CommandRequest } from "../../api/wire.ts";

/** Only asked for its version. */
const LOOK_MS_MAX = 5_000;

/** Whether this host has the program; those of other systems and of BusyBox know other options. */
export async function hasTerminals(env: Readonly<Record<string, string | undefined>>): Promise<boolean> {
  const answer = promisify(execFile)("script", ["--version"], { env: { ...env }, timeout: LOOK_MS_MAX });
  return await answer.then(
    ({ stdout }) => stdout.includes("util-linux"),
    () => false,
  );
}

export function refuseTerminal(): never {
  throw new OperationError("InvalidArgument", "the gateway's host can't allocate terminals (pty): it lacks script(1) of util-linux", {
    fix: "install util-linux (bsdutils on Debian) and restart the gateway, omit pty, or sandbox the session",
  });
}

/** As POSIX shells read it back: one word, whatever is in it. */
const quote = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

/** The program knows a command as text for a shell only, and takes that shell from SHELL, which the command gets back. */
export function toTerminalCommand(
  argv: readonly string[],
  { columns, rows }: NonNullable<CommandRequest["tty"]>,
  shell: string | undefined,
): { argv: string[]; env: Readonly<Record<string, string>> } {
  const restore = shell === undefined ? "unset SHELL" : `SHELL=${quote(shell)}`;
  const text = `${restore}; stty cols ${columns} rows ${rows}; exec ${argv.map(quote).join(" ")}`;
  return { argv: ["script", "-qefc", text, "/dev/null"], env: { SHELL: "/bin/sh" } };
}
