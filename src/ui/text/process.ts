// How a background process is written: its command as it was typed, and where it is. Pure.
import type { SandboxProcess } from "../../api/wire.ts";
import type { Tone } from "./state.ts";

export type { SandboxProcess };

/** What `exec` puts before a command (gateway/tools/shell-command.ts): a person typed none of it. */
const PUT_BEFORE = [
  "[ ! -r /etc/profile ] || . /etc/profile; ",
  "PATH=$OPENCLAW_PREPEND_PATH:$PATH; export PATH; unset OPENCLAW_PREPEND_PATH; ",
] as const;

export function renderProcess({ argv }: Pick<SandboxProcess, "argv">): string {
  const [shell, option, text] = argv;
  if (argv.length !== 3 || shell !== "/bin/sh" || text === undefined || (option !== "-c" && option !== "-lc")) return argv.join(" ");
  return PUT_BEFORE.reduce((rest, begin) => (rest.startsWith(begin) ? rest.slice(begin.length) : rest), text);
}

export function renderEnd({ state, exitCode, timedOut }: SandboxProcess): string {
  if (state === "running") return "running";
  if (timedOut) return "out of time";
  return exitCode === null ? "ended" : exitCode === 0 ? "succeeded" : `failed with ${exitCode}`;
}

export function toneOf({ state, exitCode }: SandboxProcess): Tone {
  if (state === "running") return "busy";
  return exitCode === 0 ? "good" : exitCode === null ? "rest" : "bad";
}
