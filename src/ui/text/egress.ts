// What a sandbox reached and was refused, as one line per destination, and the rule that would open one: as a text, and in the config's text. Pure.
import type { EgressLine } from "../../api/egress-log.ts";
import type { ExplainedValue } from "../../api/explain-view.ts";

type Decided = Extract<EgressLine, { kind: "decision" }>;

/** All decisions that were alike. */
export interface Destination {
  verdict: Decided["verdict"];
  reason: Decided["reason"];
  host: string;
  port: number;
  /** Of the newest. */
  address: string | null;
  message: string;
  at: number;
  times: number;
}

/** Refused ones first, then the newest. */
export function toDestinations(lines: readonly EgressLine[]): Destination[] {
  const found = new Map<string, Destination>();
  for (const line of lines) {
    if (line.kind !== "decision") continue;
    const { verdict, reason, host, port, address = null, message, time } = line;
    const key = JSON.stringify([verdict, reason, host, port]);
    found.set(key, { verdict, reason, host, port, address, message, at: time, times: (found.get(key)?.times ?? 0) + 1 });
  }
  const isRefused = ({ verdict }: Destination): number => (verdict === "refused" ? 1 : 0);
  return [...found.values()].toSorted((one, other) => isRefused(other) - isRefused(one) || other.at - one.at);
}

/** Ports that a rule without one opens. */
const PORTS_USUAL: readonly number[] = [80, 443];

/** What `allow` would have to name. null: nothing that it could name opens this. */
export function toRule({ verdict, reason, host, port, address }: Destination): string | null {
  if (verdict === "allowed" || port === 0) return null;
  const opened = reason === "NotListed" ? host : reason === "SpecialAddress" ? address : null;
  if (opened === null) return null;
  if (PORTS_USUAL.includes(port)) return opened;
  return opened.includes(":") && !opened.startsWith("[") ? `[${opened}]:${port}` : `${opened}:${port}`;
}

/** Where the list stands that is in force. */
export interface ListPlace {
  /** Relative to the config's folder. */
  file: string;
  line: number;
  column: number;
}

/** null: nothing in a file says it. */
export function toListPlace(values: readonly Pick<ExplainedValue, "key" | "at">[]): ListPlace | null {
  const at = values.find(({ key }) => /^egress\.allow(?:\[0\])?$/.test(key))?.at;
  const [, file, line, column] = /^(.*):(\d+):(\d+)$/.exec(at ?? "") ?? [];
  return file === undefined ? null : { file, line: Number(line), column: Number(column) };
}

/** With the rule before the first of the list, or in the empty one. null: no list begins there. */
export function withRule(text: string, { line, column }: ListPlace, rule: string): string | null {
  const before = text.split("\n").slice(0, line - 1);
  const offset = before.reduce((sum, one) => sum + one.length + 1, 0) + column - 1;
  const rest = text.slice(offset);
  const [, opening] = /^((?:(?:"allow"|'allow'|allow)\s*:\s*)?\[)\s*\]/.exec(rest) ?? [];
  if (opening !== undefined) return `${text.slice(0, offset)}${opening}${JSON.stringify(rule)}${rest.slice(rest.indexOf("]"))}`;
  return /^["']/.test(rest) ? `${text.slice(0, offset)}${JSON.stringify(rule)}, ${rest}` : null;
}
