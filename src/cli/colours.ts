// Colours of what is printed at a terminal: the heads of tables and lists, and words that say how something is. It colours text that has been made
// harmless already, so that none of it can hold a colour of its own; a stranger's word can at most be coloured as ours would be.
import { styleText } from "node:util";

type Style = Parameters<typeof styleText>[0];
type Environment = Readonly<Record<string, string | undefined>>;

/** `FORCE_COLOR` before `NO_COLOR` before what is there, as Node itself decides. */
export function hasColours(env: Environment, isTerminal: boolean): boolean {
  if (env.FORCE_COLOR !== undefined) return !["0", "false"].includes(env.FORCE_COLOR);
  if (env.NO_COLOR !== undefined && env.NO_COLOR !== "") return false;
  return isTerminal && env.TERM !== "dumb";
}

const HEAD = /^ *[A-Z][A-Z%/-]*(?: [A-Z]+)*(?: {2,}[A-Z][A-Z%/-]*(?: [A-Z]+)*)+$/gm;
const TITLE = /^[A-Z][\w ()]*:$/gm;
/** Whole cells of a table or of a list of checks: what stands beside one is two spaces away. */
const toCell = (words: string): RegExp => new RegExp(`(?<=^ *|  )(?:${words})(?=  |$| \\S+:)`, "gm");

const RULES: readonly (readonly [RegExp, Style])[] = [
  [HEAD, "bold"],
  [TITLE, "bold"],
  [toCell("True|ok|running|connected|live"), "green"],
  [toCell("False|FAIL|failed|halted|revoked"), "red"],
  [toCell("Unknown|Warning|warn|in use|waiting|paused|pinned"), "yellow"],
];

export function colour(text: string): string {
  return RULES.reduce((all, [pattern, style]) => all.replace(pattern, (found) => paint(found, style)), text);
}

/** Whoever calls has decided that there are colours. */
const paint = (text: string, style: Style): string => styleText(style, text, { validateStream: false });
