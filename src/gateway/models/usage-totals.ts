// What calls of models used, added up by session, by agent and day, and by day: pure, and bounded whatever is counted.
// Where it is kept is usage-ledger.ts's; what it must not exceed is budget.ts's.
import type { EpochMs } from "../../api/brands.ts";
import type { ModelPrice } from "../../api/config/models.ts";
import type { TokenUsage } from "./model-call.ts";

/** Tokens and US dollars. `unpriced`: calls whose price is not known, which `usd` does not have. `estimated`: calls whose provider did not count. */
export interface Totals {
  calls: number;
  input: number;
  output: number;
  cacheRead: number;
  cacheWrite: number;
  usd: number;
  unpriced: number;
  estimated: number;
}

/** One call. */
export interface UsageEntry {
  at: EpochMs;
  session: string;
  agent: string;
  usage: TokenUsage;
  /** null: the price is not known. */
  usd: number | null;
}

/** A session is about 200 bytes: 4 MB. Those that were not used for longest are forgotten first. */
const SESSIONS_MAX = 20_000;
/** Two months, and what a month's bill may be compared with. */
const DAYS_MAX = 62;

export const NOTHING: Totals = { calls: 0, input: 0, output: 0, cacheRead: 0, cacheWrite: 0, usd: 0, unpriced: 0, estimated: 0 };

/** UTC: `2026-11-29`. */
export const toDay = (at: EpochMs): string => new Date(at).toISOString().slice(0, 10);

/** US dollars. null: not known. */
export function toCost({ input, output, cacheRead, cacheWrite }: TokenUsage, price: ModelPrice | null): number | null {
  if (price === null || price.input === null || price.output === null) return null;
  const plain = Math.max(0, input - cacheRead - cacheWrite);
  // What a config does not price is paid like any other token.
  const cached = cacheRead * (price.cacheRead ?? price.input) + cacheWrite * (price.cacheWrite ?? price.input);
  return (plain * price.input + cached + output * price.output) / 1_000_000;
}

export class UsageTotals {
  /** In the order in which they were last used. */
  readonly #sessions = new Map<string, Totals>();
  /** By day, then by agent; days ascending. */
  readonly #days = new Map<string, Map<string, Totals>>();

  add({ at, session, agent, usage, usd }: UsageEntry): void {
    const before = this.#sessions.get(session) ?? NOTHING;
    this.#sessions.delete(session);
    this.#sessions.set(session, plus(before, usage, usd));
    for (const oldest of this.#sessions.keys()) {
      if (this.#sessions.size <= SESSIONS_MAX) break;
      this.#sessions.delete(oldest);
    }
    const day = toDay(at);
    const agents = this.#days.get(day) ?? new Map<string, Totals>();
    agents.set(agent, plus(agents.get(agent) ?? NOTHING, usage, usd));
    this.#days.set(day, agents);
    // A clock that was set wrong makes days of its own; the earliest go.
    if (this.#days.size > DAYS_MAX) this.#days.delete([...this.#days.keys()].toSorted()[0] ?? "");
  }

  forget(session: string): void {
    this.#sessions.delete(session);
  }

  session(key: string): Totals {
    return this.#sessions.get(key) ?? NOTHING;
  }

  agentDay(agent: string, day: string): Totals {
    return this.#days.get(day)?.get(agent) ?? NOTHING;
  }

  day(day: string): Totals {
    return [...(this.#days.get(day)?.values() ?? [])].reduce(sum, NOTHING);
  }

  /** By agent. */
  agentsOf(day: string): [string, Totals][] {
    return [...(this.#days.get(day) ?? [])];
  }

  /** Ascending. */
  listDays(): string[] {
    return [...this.#days.keys()].toSorted();
  }

  /** The last that was used comes first. */
  listSessions(): [string, Totals][] {
    return [...this.#sessions].toReversed();
  }

  toPlain(): { sessions: [string, Totals][]; days: [string, [string, Totals][]][] } {
    return { sessions: [...this.#sessions], days: [...this.#days].map(([day, agents]) => [day, [...agents]]) };
  }

  static from({ sessions, days }: { sessions: readonly [string, Totals][]; days: readonly [string, [string, Totals][]][] }): UsageTotals {
    const totals = new UsageTotals();
    for (const [key, one] of sessions) totals.#sessions.set(key, one);
    for (const [day, agents] of days) totals.#days.set(day, new Map(agents));
    return totals;
  }
}

function plus(before: Totals, { input, output, cacheRead, cacheWrite, isEstimated }: TokenUsage, usd: number | null): Totals {
  const one = {
    calls: 1,
    input,
    output,
    cacheRead,
    cacheWrite,
    usd: usd ?? 0,
    unpriced: usd === null ? 1 : 0,
    estimated: isEstimated ? 1 : 0,
  };
  return sum(before, one);
}

function sum(left: Totals, right: Totals): Totals {
  return {
    ...{ calls: left.calls + right.calls, input: left.input + right.input, output: left.output + right.output },
    ...{ cacheRead: left.cacheRead + right.cacheRead, cacheWrite: left.cacheWrite + right.cacheWrite },
    ...{ usd: left.usd + right.usd, unpriced: left.unpriced + right.unpriced, estimated: left.estimated + right.estimated },
  };
}
