// `openclaw models status` and `list`: as the gateway sees them, or as the config says where none runs. Secrets are in no answer.
// Exit codes of --check are upstream's: 0 every agent's model can be called, 1 one can't, 2 a sign-in expires soon.
import { renderTime, toEpochMs } from "../../api/brands.ts";
import { isErrorCode, OperationError } from "../../api/errors.ts";
import type { ModelsView, UsageAnswer } from "../../api/gateway-protocol/operations-models.ts";
import { renderIssue } from "../../api/issue.ts";
import { toSafeLine } from "../../api/safe-text.ts";
import { asOwnerOf } from "../../api/store/folder-owner.ts";
import { openConfigFile } from "../config-file.ts";
import { type CliContext, EXIT, type ExitCode, print, printJson, printNote, toWidth } from "../context.ts";
import { connectGateway } from "../gateway-client.ts";
import type { GatewayTarget } from "../gateway-health.ts";
import { toStateDir } from "../paths.ts";
import { renderTable } from "../table.ts";

type ModelsMain = typeof import("../../gateway/models/main.ts");
type OfflineParts = Parameters<ModelsMain["viewModelsOffline"]>[0];
type Probes = Awaited<ReturnType<ModelsMain["probeModels"]>>;

type Options = GatewayTarget & { json?: boolean };

interface Seen {
  models: ModelsView;
  /** null: no gateway runs, and what was used is its to know. */
  usage: UsageAnswer | null;
}

/** A provider that takes longer for one word is of no use to anybody who waits. */
const PROBE_MS_MAX = 120_000;
/** `--check`: a sign-in expires soon. */
const EXIT_EXPIRING: ExitCode = 2;

export async function showModels(context: CliContext, options: Options & { check?: boolean; probe?: boolean }): Promise<ExitCode> {
  const seen = await look(context, options);
  const probes = options.probe === true ? await probeAll(context, seen.models, options) : [];
  const verdict = probes.some(([, { kind }]) => kind === "failed") ? "unusable" : judge(seen.models);
  if (options.json === true) printJson(context, { ...seen.models, usage: seen.usage, check: verdict, probes: Object.fromEntries(probes) });
  else print(context, [renderStatus(seen, context), ...(probes.length === 0 ? [] : [renderProbes(probes)])].join("\n\n"));
  if (options.check !== true) return EXIT.ok;
  return verdict === "ok" ? EXIT.ok : verdict === "expiring" ? EXIT_EXPIRING : EXIT.failed;
}

export async function listModelsCommand(context: CliContext, options: Options & { provider?: string }): Promise<ExitCode> {
  const { models } = await look(context, options);
  const listed = models.models.filter(({ provider }) => options.provider === undefined || provider === options.provider);
  if (options.json === true) printJson(context, { items: listed });
  else if (listed.length === 0) print(context, "No models are configured\n  openclaw models set PROVIDER/MODEL");
  else print(context, renderModels(models, listed, context));
  return EXIT.ok;
}

async function look(context: CliContext, options: Options): Promise<Seen> {
  try {
    const gateway = await connectGateway(context, options);
    return { models: await gateway.ask("getModels"), usage: await gateway.ask("getUsage", { query: { days: "1", sessions: "0" } }) };
  } catch (error) {
    if (!isErrorCode(error, "GatewayUnreachable") || options.url !== undefined) throw error;
    printNote(context, "openclaw: no gateway is running; this is what the config says");
    return { models: await readOffline(context, options), usage: null };
  }
}

/** What the command itself can know: the config, the store and its own variables. @throws OperationError `InvalidConfig`, `NotFound` */
async function readParts(context: CliContext, options: Options): Promise<OfflineParts> {
  const { path, text, parsed } = await openConfigFile(context, options);
  if (text === null) throw new OperationError("NotFound", `there is no config file ${path}`, { fix: "make one with: openclaw onboard" });
  if (!parsed.ok) throw new OperationError("InvalidConfig", parsed.issues.map((issue) => toSafeLine(renderIssue(issue))).join("\n"));
  const { openCredentials } = await import("../../gateway/credentials/main.ts");
  const { auth } = parsed.value;
  const now = (): ReturnType<typeof context.now> => context.now();
  const stored = openCredentials({
    ...{ stateDir: toStateDir(context, options), now, refused: () => undefined },
    configured: () => ({ order: auth.order, profiles: Object.keys(auth.profiles) }),
  });
  return { config: parsed.value, stores: [stored], variables: context.env, now };
}

async function readOffline(context: CliContext, options: Options): Promise<ModelsView> {
  const parts = await readParts(context, options);
  const { viewModelsOffline } = await import("../../gateway/models/main.ts");
  return await viewModelsOffline(parts);
}

/** Every model that an agent uses, asked for one word. */
async function probeAll(context: CliContext, { agents }: ModelsView, options: Options): Promise<Probes> {
  const { probeModels } = await import("../../gateway/models/main.ts");
  const used = new Set(agents.flatMap(({ primary, fallbacks }) => [...(primary === null ? [] : [primary]), ...fallbacks]));
  const { toCredentialsFolder } = await import("../../gateway/credentials/main.ts");
  const parts = await readParts(context, options);
  // A sign-in may be refreshed meanwhile, and what is written then is the gateway's user's.
  return await asOwnerOf(toCredentialsFolder(toStateDir(context, options)), async () => {
    return await probeModels(parts, [...used], AbortSignal.timeout(PROBE_MS_MAX));
  });
}

function renderProbes(probes: Probes): string {
  return probes
    .map(([reference, result]) => {
      if (result.kind === "ok") return `${reference} answered in ${(result.tookMs / 1_000).toFixed(1)} s`;
      return `${reference}: ${result.failure}: ${result.message}${result.fix === null ? "" : `; ${result.fix}`}`;
    })
    .join("\n");
}

type Verdict = "ok" | "unusable" | "expiring";

function judge({ agents, models, providers }: ModelsView): Verdict {
  const used = agents.map(({ primary }) => models.find(({ reference }) => reference === primary));
  if (used.some((model) => model === undefined || model.problem !== null || !model.isSignedIn)) return "unusable";
  const ids = new Set(used.map((model) => model?.provider));
  const isExpiring = providers.some(
    ({ id, profiles }) => ids.has(id) && profiles.length > 0 && profiles.every(({ state }) => state !== "ready"),
  );
  return isExpiring ? "expiring" : "ok";
}

function renderStatus({ models, usage }: Seen, context: CliContext): string {
  const { agents, providers } = models;
  const agentRows = agents.map(({ agentId, primary, fallbacks }) => [
    agentId,
    primary ?? "none",
    fallbacks.length === 0 ? "-" : fallbacks.join(", "),
    primary === null ? "set one: openclaw models set PROVIDER/MODEL" : explain(models, primary),
  ]);
  const profileRows = providers.flatMap(({ id, isSelfHosted, baseUrl, profiles }) =>
    profiles.length === 0
      ? [[id, "-", "-", isSelfHosted ? `called without a key at ${baseUrl}` : "nobody is signed in", "-"]]
      : profiles.map((profile) => [
          ...[id, profile.id, profile.kind ?? "-", profile.because === null ? profile.state : `${profile.state}: ${profile.because}`],
          profile.expiresAt === null ? "-" : renderTime(toEpochMs(profile.expiresAt)),
        ]),
  );
  const width = toWidth(context);
  const parts = [renderTable(["AGENT", "MODEL", "FALLBACKS", "STATE"], agentRows, { width, optional: ["FALLBACKS"] })];
  if (profileRows.length > 0)
    parts.push(renderTable(["PROVIDER", "PROFILE", "KIND", "STATE", "EXPIRES"], profileRows, { width, optional: ["KIND", "EXPIRES"] }));
  if (usage !== null) parts.push(renderUsage(usage));
  return parts.map((part) => part.trimEnd()).join("\n\n");
}

function explain({ models }: ModelsView, primary: string): string {
  const model = models.find(({ reference }) => reference === primary);
  if (model === undefined) return "not known";
  if (model.problem !== null) return `${model.problem.message}: ${model.problem.fix}`;
  if (model.isSignedIn) return "ready";
  const { provider } = model;
  return `nobody is signed in: openclaw models auth ${provider === "openai" ? "login" : "paste-api-key"} --provider ${provider}`;
}

function renderUsage({ days, limits }: UsageAnswer): string {
  const [latest] = days;
  const used =
    latest === undefined
      ? "Used: nothing yet"
      : `Used on ${latest.day} (UTC): ${latest.total.calls} ${latest.total.calls === 1 ? "call" : "calls"}, ${latest.total.input} tokens in, ${latest.total.output} out, ${renderCost(latest.total)}`;
  const limited = limits.map(({ agentId, span, tokens, usd, usedShare }) => {
    const limit = [...(tokens === null ? [] : [`${tokens} tokens`]), ...(usd === null ? [] : [`$${usd}`])].join(" or ");
    const whose = agentId == null ? SPAN_WORDS[span] : `${span === "session" ? "a session" : "a day"} of agent ${agentId}`;
    return `Limit of ${whose}: ${limit}${span === "session" ? "" : `, ${Math.round(usedShare * 100)} % used`}`;
  });
  return [used, ...limited].join("\n");
}

const SPAN_WORDS = { session: "a session", agentDay: "an agent and day", day: "a day" } as const;

function renderCost({ usd, unpriced, calls }: { usd: number; unpriced: number; calls: number }): string {
  if (unpriced === calls) return "price not known";
  return unpriced === 0 ? `$${usd.toFixed(2)}` : `$${usd.toFixed(2)} and ${unpriced} calls without a price`;
}

function renderModels({ agents }: ModelsView, listed: ModelsView["models"], context: CliContext): string {
  const rows = listed.map(({ reference, api, contextWindow, input, isPriced, isSignedIn, problem }) => {
    const users = agents.filter(({ primary }) => primary === reference).map(({ agentId }) => agentId);
    const spares = agents.filter(({ fallbacks }) => fallbacks.includes(reference)).map(({ agentId }) => `${agentId} (fallback)`);
    return [
      ...[reference, [...users, ...spares].join(", ") || "-", api ?? "-", contextWindow === null ? "-" : String(contextWindow)],
      ...[input.join(",") || "-", isPriced ? "yes" : "no"],
      problem === null ? (isSignedIn ? "ready" : "nobody is signed in") : problem.message,
    ];
  });
  const head = ["MODEL", "AGENTS", "API", "CONTEXT", "INPUT", "PRICED", "STATE"];
  return renderTable(head, rows, { width: toWidth(context), optional: ["INPUT", "PRICED", "CONTEXT", "API"] });
}
