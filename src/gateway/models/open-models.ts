// Puts the parts of this folder together for a gateway: keys, calls, what was used, and turns. Nothing of the SDK is loaded before a model is asked.
// What a turn does is model-turn.ts's; who runs turns is the agent's.
import { join } from "node:path";
import type { Logger } from "pino";
import { createSystemClock } from "../../api/clock.ts";
import type { Config } from "../../api/config/config.ts";
import type { ModelsView, UsageAnswer } from "../../api/gateway-protocol/operations-models.ts";
import { ConfigKeys } from "./config-keys.ts";
import { JoinedCredentials, type KeySource } from "./joined-credentials.ts";
import type { ModelMetrics } from "./model-metrics.ts";
import { ModelService } from "./model-service.ts";
import { viewModels, viewUsage } from "./models-view.ts";
import { SdkCall } from "./sdk-call.ts";
import { UsageLedger } from "./usage-ledger.ts";

export interface OpenModelsParts {
  /** Absolute. */
  stateDir: string;
  config(): Config;
  /** Where profiles are; they are tried before keys of the config and of the process. */
  stores: readonly KeySource[];
  /** Of the process. */
  variables: Readonly<Record<string, string | undefined>>;
  metrics: ModelMetrics;
  chance(): number;
  log: Logger;
}

export interface Models {
  service: ModelService;
  view(): Promise<ModelsView>;
  usage(query: { days?: number | undefined; sessions?: number | undefined }): UsageAnswer;
  /** The session begins anew, or is gone: its limit does too. */
  forgetSession(key: string): Promise<void>;
}

export async function openModels({ stateDir, config, stores, variables, metrics, chance, log }: OpenModelsParts): Promise<Models> {
  const clock = createSystemClock();
  const now = (): ReturnType<typeof clock.now> => clock.now();
  const ledger = await UsageLedger.open({ folder: join(stateDir, "gateway", "usage"), now, log });
  const credentials = new JoinedCredentials([...stores, new ConfigKeys({ config, variables, now })]);
  const call = new SdkCall({ clock, codexBaseUrl: () => config().auth.codex.baseUrl });
  return {
    service: new ModelService({ config, credentials, call, ledger, metrics, clock, chance }),
    view: () => viewModels(config(), credentials),
    usage: (query) => viewUsage({ config: config(), ledger, now: now() }, query),
    forgetSession: (key) => ledger.forget(key),
  };
}
