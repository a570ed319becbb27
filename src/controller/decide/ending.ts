// Why a container's main process ended, in words for people: its exit code, what it said last, and what that mostly comes from. Pure.
// What is done about it is repair.ts's and backoff.ts's.
import { toHead } from "../../api/text/cuts.ts";
import type { Observation } from "./observation.ts";

const SAID_LENGTH_MAX = 300;

type Ended = Pick<Observation, "exitCode" | "oomKilled" | "lastOutput">;

/** Begins with a space, or is empty where nothing is known. */
export function renderEnding({ exitCode, oomKilled, lastOutput }: Ended): string {
  const said = toHead((lastOutput ?? "").replace(/\s+/g, " ").trim(), SAID_LENGTH_MAX);
  const facts = [
    ...(oomKilled ? ["out of memory"] : exitCode === null ? [] : [`exit code ${exitCode}`]),
    ...(said === "" ? [] : [`it said ${JSON.stringify(said)}`]),
  ];
  const reason = findReason({ exitCode, said });
  return `${facts.length === 0 ? "" : ` (${facts.join("; ")})`}${reason === null ? "" : `: ${reason}`}`;
}

/** What shells and engines end with when a program is not there, or can't be run. */
const NOT_FOUND = 127;
const NOT_RUN = 126;

function findReason({ exitCode, said }: { exitCode: number | null; said: string }): string | null {
  if (exitCode !== NOT_FOUND && exitCode !== NOT_RUN) return null;
  if (/exec format error/i.test(said)) return "its image seems to be for another kind of processor";
  if (/\bsleep\b/.test(said)) return "its image has no sleep in /usr/local/bin, /usr/bin or /bin, which every sandbox needs";
  if (said.includes("/bin/sh") || said === "") return "its image seems to have no /bin/sh that runs, which every sandbox needs";
  return null;
}
