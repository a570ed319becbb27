// Lets a model answer once before anything is kept: onboarding and `models auth login` say that it works only when it did. The call is the gateway's own code,
// so that what answers here answers there. It saves nothing.
import { log } from "@clack/prompts";
import type { Config } from "../api/config/config.ts";
import { isTarget, resolveModel } from "../api/models/resolve.ts";
import { type StoredSecret, toCallSecret } from "../api/models/stored-secret.ts";
import { toSafeLine } from "../api/safe-text.ts";
import { type CliContext, printNote } from "./context.ts";

export type ModelCheck = { kind: "answered" } | { kind: "failed"; message: string; fix: string | null };

const ANSWER_SECONDS_MAX = 60;

/** @param asked `name` is a reference; a secret of null signs nothing */
export async function checkModel(
  context: CliContext,
  { config, name, secret }: { config: Config; name: string; secret: StoredSecret | null },
): Promise<ModelCheck> {
  const target = resolveModel(config, name);
  if (!isTarget(target)) return { kind: "failed", message: `${name} ${target.message}`, fix: target.fix };
  const { tryModel } = await import("../gateway/models/main.ts");
  if (context.stdin.isTTY === true) log.step(`Asking ${name} for one word`, { output: context.stdout });
  const asked = { target: { ...target, timeoutSeconds: ANSWER_SECONDS_MAX }, secret: secret === null ? null : toCallSecret(secret) };
  const signal = AbortSignal.timeout((ANSWER_SECONDS_MAX + 5) * 1_000);
  const result = await tryModel({ ...asked, codexBaseUrl: config.auth.codex.baseUrl }, signal);
  if (result.kind === "failed")
    return { kind: "failed", message: `${name} did not answer: ${toSafeLine(result.message)}`, fix: result.fix };
  printNote(context, `${name} answered in ${(result.tookMs / 1_000).toFixed(1)} s`);
  return { kind: "answered" };
}
