// Makes a failure of a call: everything that is not said of it is not known.
// What the failures are is model-call.ts's, which one it was classify.ts's.
import type { ModelError, ModelFailure } from "./model-call.ts";

export function toModelFailure(
  failure: ModelFailure,
  message: string,
  more: Partial<Pick<ModelError, "status" | "retryAfterMs" | "fix">> = {},
): ModelError {
  return { failure, message, status: more.status ?? null, retryAfterMs: more.retryAfterMs ?? null, fix: more.fix ?? null };
}

/** The failure, where it came from, and what a person does about it, as one sentence. */
export const renderModelError = ({ message, fix }: ModelError): string => (fix === null ? message : `${message} (${fix})`);
