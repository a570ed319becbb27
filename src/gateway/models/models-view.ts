// Models and usage as they are shown: the config in force put together with who is signed in, and what was counted. It calls nobody and changes nothing.
// The forms are api/gateway-protocol/operations-models.ts's.
import type { EpochMs } from "../../api/brands.ts";
import type { Config } from "../../api/config/config.ts";
import { BUDGET_SPANS, type BudgetLimit } from "../../api/config/models.ts";
import type { ModelsAnswer, ModelsView, UsageAnswer } from "../../api/gateway-protocol/operations-models.ts";
import { renderReference } from "../../api/models/reference.ts";
import {
  findProvider,
  isSelfHosted,
  isTarget,
  listModels,
  listProviders,
  type ModelProblem,
  type ModelTarget,
  resolveModel,
} from "../../api/models/resolve.ts";
import type { ProfileStatus } from "../../api/models/stored-secret.ts";
import { limitsOf, usedShare } from "./budget.ts";
import type { KeySource } from "./joined-credentials.ts";
import type { UsageLedger } from "./usage-ledger.ts";
import { toDay } from "./usage-totals.ts";

const DAYS_DEFAULT = 7;
const SESSIONS_DEFAULT = 20;

export async function viewModels(config: Config, credentials: Pick<KeySource, "order" | "statuses">): Promise<ModelsView> {
  const statuses = new Map((await credentials.statuses()).map((status) => [status.id, status]));
  const providers = [];
  for (const id of listProviders(config)) {
    const provider = findProvider(config, id);
    if ("message" in provider) continue;
    const profiles = (await credentials.order(id)).flatMap((profile) => statuses.get(profile) ?? []);
    providers.push({
      id,
      baseUrl: provider.baseUrl,
      api: provider.api,
      isSelfHosted: isSelfHosted(provider.baseUrl),
      profiles,
    });
  }
  const agents = config.agents.map(({ id }) => {
    const [primary = null, ...fallbacks] = listModels(config, id).map(nameOf);
    return { agentId: id, primary, fallbacks };
  });
  const signedIn = new Set(providers.filter(({ profiles, isSelfHosted: own }) => own || profiles.some(isUsable)).map(({ id }) => id));
  const used = new Set(agents.flatMap(({ primary }) => primary ?? []));
  const shown = providers.filter(
    ({ id, profiles }) =>
      profiles.length > 0 || Object.hasOwn(config.models.providers, id) || [...used].some((one) => one.startsWith(`${id}/`)),
  );
  return { agents, models: listAll(config).map((one) => toModel(config, one, signedIn)), providers: shown };
}

const isUsable = ({ state }: { state: ProfileStatus["state"] }): boolean => state === "ready" || state === "expiring";

const nameOf = (one: ModelTarget | ModelProblem): string => (isTarget(one) ? renderReference(one) : one.written);

/** In order of name, each once. */
function listAll(config: Config): (ModelTarget | ModelProblem)[] {
  const used = config.agents.flatMap(({ id }) => listModels(config, id));
  const described = Object.entries(config.models.providers).flatMap(([id, { models }]) => models.map((model) => `${id}/${model.id}`));
  const named = [...described, ...Object.keys(config.models.entries)].map((written) => resolveModel(config, written));
  const byName = new Map([...named, ...used].map((one) => [nameOf(one), one]));
  return [...byName].toSorted(([left], [right]) => (left < right ? -1 : 1)).map(([, one]) => one);
}

function toModel(config: Config, one: ModelTarget | ModelProblem, signedIn: ReadonlySet<string>): ModelsAnswer["models"][number] {
  if (!isTarget(one)) {
    const { written, message, fix } = one;
    const nothing = { provider: null, name: null, api: null, contextWindow: null, maxTokens: null, input: [] };
    return { reference: written, ...nothing, isPriced: false, isSignedIn: false, problem: { message, fix } };
  }
  const { provider, model, api, contextWindow, maxTokens, price } = one;
  const described = config.models.providers[provider]?.models.find(({ id }) => id === model);
  return {
    ...{ reference: renderReference(one), provider, name: described?.name ?? null, api, contextWindow, maxTokens },
    ...{ input: [...(described?.input ?? [])], isPriced: price?.input != null && price.output !== null },
    ...{ isSignedIn: signedIn.has(provider), problem: null },
  };
}

export function viewUsage(
  { config, ledger, now }: { config: Config; ledger: Pick<UsageLedger, "totals">; now: EpochMs },
  query: { days?: number | undefined; sessions?: number | undefined },
): UsageAnswer {
  const { totals } = ledger;
  const days = totals
    .listDays()
    .toReversed()
    .slice(0, query.days ?? DAYS_DEFAULT);
  return {
    days: days.map((day) => ({
      ...{ day, total: totals.day(day) },
      agents: totals.agentsOf(day).map(([agentId, total]) => ({ agentId, total })),
    })),
    sessions: totals
      .listSessions()
      .slice(0, query.sessions ?? SESSIONS_DEFAULT)
      .map(([key, total]) => ({ key, total })),
    limits: viewLimits(config, totals, toDay(now)),
  };
}

const isSet = ({ tokens, usd }: BudgetLimit): boolean => tokens !== null || usd !== null;

/** Those of all agents, then those that an agent has of its own. */
function viewLimits(config: Config, totals: UsageLedger["totals"], today: string): UsageAnswer["limits"] {
  const { budget } = config.models;
  const hasOwn = (id: string): boolean => config.agents.some((agent) => agent.id === id && isSet(agent.budget.agentDay));
  const others = totals.agentsOf(today).filter(([id]) => !hasOwn(id));
  const shares = {
    session: 0,
    agentDay: Math.max(0, ...others.map(([, total]) => usedShare(budget.agentDay, total))),
    day: usedShare(budget.day, totals.day(today)),
  };
  const ofAll = BUDGET_SPANS.filter((span) => isSet(budget[span])).map((span) => {
    return { agentId: null, span, ...budget[span], usedShare: shares[span] };
  });
  const own = config.agents.flatMap(({ id, budget: written }) =>
    (["session", "agentDay"] as const)
      .filter((span) => isSet(written[span]))
      .map((span) => {
        const limit = limitsOf(config, id).budget[span];
        return { agentId: id, span, ...limit, usedShare: span === "session" ? 0 : usedShare(limit, totals.agentDay(id, today)) };
      }),
  );
  return [...ofAll, ...own];
}
