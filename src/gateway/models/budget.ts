// Whether a call may be made, by the limits of the config and what was used so far. Pure.
// What was used is usage-totals.ts's; one call that is under way may go past a limit, the next one is not made.
import type { AgentId } from "../../api/brands.ts";
import type { Config } from "../../api/config/config.ts";
import { BUDGET_SPANS, type Budget, type BudgetLimit, type BudgetSpan } from "../../api/config/models.ts";
import type { ModelError } from "./model-call.ts";
import { toModelFailure } from "./model-error.ts";
import type { Totals } from "./usage-totals.ts";

export type Spent = Readonly<Record<BudgetSpan, Totals>>;

const tokensOf = ({ input, output }: Totals): number => input + output;

/** 0 to 1 and above, of the limit that is nearer; 0 where there is none. */
export function usedShare(limit: Budget[BudgetSpan], spent: Totals): number {
  return Math.max(share(tokensOf(spent), limit.tokens), share(spent.usd, limit.usd));
}

const share = (used: number, limit: number | null): number => (limit === null ? 0 : used / limit);

export interface AgentLimits {
  readonly budget: Budget;
  /** Where that stands in the config, such as `agents.defaults.budget.day.usd`. */
  keyOf(span: BudgetSpan, unit: keyof BudgetLimit): string;
}

/** An agent's own limits, each where it has one, over those of all. */
export function limitsOf({ models, agents }: Pick<Config, "models" | "agents">, agentId: AgentId): AgentLimits {
  const agent = agents.find(({ id }) => id === agentId);
  const ownOf = (span: BudgetSpan): BudgetLimit | null => (span === "day" ? null : (agent?.budget[span] ?? null));
  const limit = (span: BudgetSpan): BudgetLimit => {
    const [own, all] = [ownOf(span), models.budget[span]];
    return { tokens: own?.tokens ?? all.tokens, usd: own?.usd ?? all.usd };
  };
  return {
    budget: { session: limit("session"), agentDay: limit("agentDay"), day: limit("day") },
    keyOf: (span, unit) =>
      `${ownOf(span)?.[unit] == null ? "agents.defaults" : (agent?.path ?? `agents.entries.${agentId}`)}.budget.${span}.${unit}`,
  };
}

/** null: it may be made. */
export function refuseBudget({ budget, keyOf }: AgentLimits, spent: Spent): { span: BudgetSpan; error: ModelError } | null {
  for (const span of BUDGET_SPANS) {
    const { tokens, usd } = budget[span];
    const used = spent[span];
    if (tokens !== null && tokensOf(used) >= tokens)
      return { span, error: toRefusal(span, `${tokensOf(used)} of ${tokens} tokens`, keyOf(span, "tokens")) };
    if (usd !== null && used.usd >= usd)
      return { span, error: toRefusal(span, `$${used.usd.toFixed(2)} of $${usd.toFixed(2)}`, keyOf(span, "usd")) };
  }
  return null;
}

const WHOSE: Readonly<Record<BudgetSpan, string>> = {
  session: "this session has used",
  agentDay: "this agent has used today",
  day: "all agents have used today",
};
const INSTEAD: Readonly<Record<BudgetSpan, string>> = {
  session: "begin a new conversation, or raise",
  agentDay: "go on tomorrow (UTC), or raise",
  day: "go on tomorrow (UTC), or raise",
};

function toRefusal(span: BudgetSpan, used: string, key: string): ModelError {
  return toModelFailure("over-budget", `${WHOSE[span]} ${used}`, { fix: `${INSTEAD[span]} ${key}` });
}
