// What the command line starts of this folder: one real answer of a model, before anything about it is saved; and the view of models where no gateway runs.
// It reads no config and no store by itself. Turns of agents are model-service.ts's.
import type { EpochMs } from "../../api/brands.ts";
import { createSystemClock } from "../../api/clock.ts";
import type { Config } from "../../api/config/config.ts";
import type { ModelsView } from "../../api/gateway-protocol/operations-models.ts";
import type { Secret } from "../../api/models/credential.ts";
import { CODEX_DEFAULTS } from "../../api/models/providers.ts";
import { isTarget, type ModelTarget, resolveModel } from "../../api/models/resolve.ts";
import { ConfigKeys } from "./config-keys.ts";
import { JoinedCredentials, type KeySource } from "./joined-credentials.ts";
import type { ModelFailure } from "./model-call.ts";
import { viewModels } from "./models-view.ts";
import { SdkCall } from "./sdk-call.ts";

export interface TryModel {
  target: ModelTarget;
  /** null: the call is not signed. */
  secret: Secret | null;
  /** Where calls go that a ChatGPT sign-in signs. Absent: as is known. */
  codexBaseUrl?: string;
}

export type TryModelResult =
  | { kind: "ok"; text: string; tookMs: number }
  | { kind: "failed"; failure: ModelFailure; message: string; fix: string | null };

const QUESTION = "Reply with the single word OK.";

/** Asks once, and waits as long as the target says. Costs a few tokens. */
export async function tryModel(
  { target, secret, codexBaseUrl = CODEX_DEFAULTS.baseUrl }: TryModel,
  signal: AbortSignal,
): Promise<TryModelResult> {
  const clock = createSystemClock();
  const begun = clock.now();
  const call = new SdkCall({ clock, codexBaseUrl: () => codexBaseUrl });
  const request = {
    system: "",
    tools: [],
    cacheKey: "openclaw-check",
    thinking: null,
    messages: [{ role: "user" as const, parts: [{ kind: "text" as const, text: QUESTION }] }],
  };
  for await (const event of call.stream({ ...request, target, secret }, signal)) {
    if (event.kind === "failed")
      return { kind: "failed", failure: event.error.failure, message: event.error.message, fix: event.error.fix };
    if (event.kind !== "answered") continue;
    const text = event.parts.flatMap((part) => (part.kind === "text" ? [part.text] : [])).join("");
    if (text !== "" || event.parts.length > 0) return { kind: "ok", text, tookMs: clock.now() - begun };
    return { kind: "failed", failure: "garbage", message: "the answer is empty", fix: null };
  }
  return { kind: "failed", failure: "garbage", message: "the call ended without an end", fix: null };
}

export interface OfflineParts {
  config: Config;
  /** Where profiles are. */
  stores: readonly KeySource[];
  variables: Readonly<Record<string, string | undefined>>;
  now(): EpochMs;
}

const toKeys = ({ config, stores, variables, now }: OfflineParts): KeySource =>
  new JoinedCredentials([...stores, new ConfigKeys({ config: () => config, variables, now })]);

/** As a gateway would show them that has this config, these stores and these variables. */
export const viewModelsOffline = async (parts: OfflineParts): Promise<ModelsView> => await viewModels(parts.config, toKeys(parts));

/** Asks each model once with the key that a turn would use first. Marks no key: that it is refused now is for a person to read. */
export async function probeModels(
  parts: OfflineParts,
  references: readonly string[],
  signal: AbortSignal,
): Promise<[string, TryModelResult][]> {
  const keys = toKeys(parts);
  const probeOne = async (reference: string): Promise<[string, TryModelResult]> => [
    reference,
    await probe(parts.config, { keys, reference }, signal),
  ];
  return await Promise.all(references.map(probeOne));
}

async function probe(
  config: Config,
  { keys, reference }: { keys: KeySource; reference: string },
  signal: AbortSignal,
): Promise<TryModelResult> {
  const target = resolveModel(config, reference);
  if (!isTarget(target)) return { kind: "failed", failure: "rejected", message: target.message, fix: target.fix };
  const [profile] = await keys.order(target.provider);
  const codexBaseUrl = config.auth.codex.baseUrl;
  if (profile === undefined) {
    if (target.isSelfHosted) return await tryModel({ target, secret: null, codexBaseUrl }, signal);
    return { kind: "failed", failure: "no-credential", message: "nobody is signed in", fix: "openclaw models auth --help" };
  }
  const found = await keys.resolve(profile, signal);
  if (found.kind === "problem") return { kind: "failed", failure: "no-credential", message: found.message, fix: found.fix };
  return await tryModel({ target, secret: found.secret, codexBaseUrl }, signal);
}
