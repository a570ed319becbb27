// What the rest of the gateway asks for an answer: turns of sessions by the config in force, counted and limited.
// Keys and models are tried by model-turn.ts, a call is made by sdk-call.ts, and what was used is kept by usage-ledger.ts.
import { type AgentId, type SessionKey, toAgentId } from "../../api/brands.ts";
import type { Clock } from "../../api/clock.ts";
import type { Config } from "../../api/config/config.ts";
import type { BudgetSpan } from "../../api/config/models.ts";
import type { CredentialSource } from "../../api/models/credential.ts";
import { renderReference } from "../../api/models/reference.ts";
import { isTarget, listModels, type ModelProblem, type ModelTarget, resolveModel } from "../../api/models/resolve.ts";
import { limitsOf, refuseBudget, type Spent, usedShare } from "./budget.ts";
import { KeyMemory } from "./key-memory.ts";
import type { ModelCall, ModelError } from "./model-call.ts";
import { toModelFailure } from "./model-error.ts";
import type { ModelMetrics } from "./model-metrics.ts";
import { type CallOutcome, ModelTurn } from "./model-turn.ts";
import type { UsageLedger } from "./usage-ledger.ts";
import { toCost, toDay } from "./usage-totals.ts";

export interface ModelServiceParts {
  config(): Config;
  credentials: CredentialSource;
  call: ModelCall;
  ledger: UsageLedger;
  metrics: ModelMetrics;
  clock: Clock;
  /** 0 to 1. */
  chance(): number;
}

export interface TurnOwner {
  sessionKey: SessionKey;
  agentId: AgentId;
}

export class ModelService {
  readonly #parts: ModelServiceParts;
  readonly #memory = new KeyMemory();

  constructor(parts: ModelServiceParts) {
    this.#parts = parts;
    parts.metrics.watch(() => this.#budgetShares());
  }

  /** The models are those of the config as it is now; limits count as they are at each call. @param preferred asked before them. null: none is */
  turn(owner: TurnOwner, preferred: string | null = null): ModelTurn | ModelError {
    const { call, credentials, clock, chance, metrics } = this.#parts;
    const targets = this.#targets(owner, preferred);
    if ("failure" in targets) return targets;
    return new ModelTurn(
      {
        ...{ call, credentials, memory: this.#memory, clock, chance },
        refuse: () => this.#refuse(owner),
        called: (outcome) => this.#called(owner, outcome),
        movedOn: (next) => metrics.movedOn(next),
      },
      targets,
    );
  }

  /** The model that a turn asks first. */
  first(owner: Pick<TurnOwner, "agentId">, preferred: string | null = null): ModelTarget | ModelError {
    const targets = this.#targets(owner, preferred);
    return "failure" in targets ? targets : targets[0];
  }

  /** What counts against the limits of a call by that session now. */
  spent({ sessionKey, agentId }: TurnOwner): Spent {
    const { ledger, clock } = this.#parts;
    const day = toDay(clock.now());
    return { session: ledger.totals.session(sessionKey), agentDay: ledger.totals.agentDay(agentId, day), day: ledger.totals.day(day) };
  }

  #targets({ agentId }: Pick<TurnOwner, "agentId">, preferred: string | null): readonly [ModelTarget, ...ModelTarget[]] | ModelError {
    const config = this.#parts.config();
    const models = [...(preferred === null ? [] : [resolveModel(config, preferred)]), ...listModels(config, agentId)];
    const [first, ...others] = models.filter(isTarget);
    const [problem] = models.filter((one): one is ModelProblem => !isTarget(one));
    if (first === undefined) return toNoModel(problem);
    return [first, ...others.filter((other) => renderReference(other) !== renderReference(first))];
  }

  #refuse(owner: TurnOwner): ModelError | null {
    const { config, metrics } = this.#parts;
    const refused = refuseBudget(limitsOf(config(), owner.agentId), this.spent(owner));
    if (refused === null) return null;
    metrics.budgetRefused(refused.span);
    return refused.error;
  }

  async #called({ sessionKey, agentId }: TurnOwner, { target, error, usage, tookMs }: CallOutcome): Promise<void> {
    const { ledger, metrics, clock } = this.#parts;
    const usd = usage === null ? null : toCost(usage, target.price);
    metrics.called({ provider: target.provider, result: error?.failure ?? "answered", usage, usd, tookMs });
    if (usage !== null) await ledger.record({ at: clock.now(), session: sessionKey, agent: agentId, usage, usd });
  }

  /** Of the limits that are not one session's; of agents the one that is nearest to its own. */
  #budgetShares(): Record<Exclude<BudgetSpan, "session">, number> {
    const { config, ledger, clock } = this.#parts;
    const { models } = config();
    const day = toDay(clock.now());
    const agents = ledger.totals.agentsOf(day).map(([id, totals]) => usedShare(limitsOf(config(), toAgentId(id)).budget.agentDay, totals));
    return { agentDay: Math.max(0, ...agents), day: usedShare(models.budget.day, ledger.totals.day(day)) };
  }
}

function toNoModel(problem: ModelProblem | undefined): ModelError {
  return problem === undefined
    ? toModelFailure("rejected", "no model is configured for this agent", {
        fix: "openclaw onboard sets one up; or: openclaw models set PROVIDER/MODEL",
      })
    : toModelFailure("rejected", `the model "${problem.written}" can't be used: ${problem.message}`, { fix: problem.fix });
}
