// How a background process is written: its command as it was typed, where it is, and the commands that do to it what the page does. Pure.
import type { SandboxProcess } from "../../api/wire.ts";
import { toBase64 } from "./bytes.ts";
import { quote, toCommand } from "./command.ts";
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

export interface ProcessPlace {
  sessionKey: string;
  id: string;
  /** Of the session. */
  sandboxed: boolean;
  /** Of the gateway. */
  origin: string;
}

/** `end`: of its stdin. */
export type ProcessDeed = { kind: "line"; text: string } | { kind: "end" } | { kind: "signal"; name: "TERM" | "KILL" };

/** A process on the gateway's host has no sandbox that the command line could name: it is reached over HTTP. */
export function toProcessCommand({ sessionKey, id, sandboxed, origin }: ProcessPlace, deed: ProcessDeed): string {
  if (!sandboxed) return toCurl(`${origin}/v1/sessions/${encodeURIComponent(sessionKey)}/processes/${id}`, deed);
  const on = (verb: string, ...words: string[]): string => toCommand("sandbox", "processes", verb, sessionKey, id, ...words);
  switch (deed.kind) {
    case "line":
      return deed.text.startsWith("-") ? on("write", "--", deed.text) : on("write", deed.text);
    case "end":
      return on("write", "--end");
    case "signal":
      return on("kill", "--signal", deed.name);
  }
}

function toCurl(url: string, deed: ProcessDeed): string {
  const post = (path: string, body: object): string =>
    `curl -H "Authorization: Bearer $OPENCLAW_GATEWAY_TOKEN" --json ${quote(JSON.stringify(body))} ${quote(`${url}/${path}`)}`;
  if (deed.kind === "signal") return post("kill", { signal: deed.name });
  return post("stdin", deed.kind === "end" ? { end: true } : { data: toBase64(encodeLine(deed.text)), end: false });
}

/** As it is sent. */
export const encodeLine = (text: string): Uint8Array => new TextEncoder().encode(`${text}\n`);
