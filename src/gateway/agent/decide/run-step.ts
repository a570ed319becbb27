// What a run does next, from what it has seen: run a call, ask the model again, shorten the conversation, or end. Pure.
// Who does it is run.ts.
import type { DurationMs } from "../../../api/brands.ts";
import { OperationError, renderError } from "../../../api/errors.ts";
import { isSilent } from "../../../api/silence.ts";
import type { ModelError } from "../../models/model-call.ts";
import type { RunError } from "../agent-port.ts";

export interface RunLimits {
  /** Answers of the model. */
  stepsMax: number;
  timeMsMax: DurationMs;
  /** The same call with the same result. */
  repeatsMax: number;
  /** Characters of one result that the model sees. */
  resultCharactersMax: number;
}

/** What the model has just answered. */
export interface Answered {
  steps: number;
  calls: number;
  /** Trimmed. */
  text: string;
  /** Whether nobody minds when nothing is said. */
  isSilenceAllowed: boolean;
  /** Characters beside HEARTBEAT_OK with which nothing is said. */
  remarkLengthMax: number;
  /** Whether it was asked for an answer without tools already. */
  isLastPass: boolean;
}

export type AfterAnswer =
  | { kind: "run-calls" }
  /** Ask once more, without tools: somebody waits for an answer. */
  | { kind: "last-pass" }
  | { kind: "end"; text: string }
  | { kind: "fail"; error: RunError };

export function decideAfterAnswer(answered: Answered, limits: RunLimits): AfterAnswer {
  const { steps, calls, text, isSilenceAllowed, remarkLengthMax, isLastPass } = answered;
  if (calls > 0 && !isLastPass) return steps >= limits.stepsMax ? { kind: "fail", error: toStepLimit(limits) } : { kind: "run-calls" };
  if (!isSilent(text, remarkLengthMax)) return { kind: "end", text };
  if (isSilenceAllowed || isLastPass) return { kind: "end", text: "" };
  return steps >= limits.stepsMax ? { kind: "end", text: "" } : { kind: "last-pass" };
}

function toStepLimit({ stepsMax }: RunLimits): RunError {
  return {
    kind: "limit",
    message: `the run was ended after ${stepsMax} answers of the model`,
    fix: "say how to go on, or raise agents.defaults.run.maxSteps",
  };
}

export const toTimeLimit = ({ timeMsMax }: Pick<RunLimits, "timeMsMax">): RunError => ({
  kind: "limit",
  message: `the run was ended after ${Math.round(timeMsMax / 1_000)} s`,
  fix: "say how to go on, or raise agents.defaults.timeoutSeconds",
});

/** What can't be written down ends a run: what it did next nobody would know. */
export function toRunError(error: unknown): RunError {
  if (!(error instanceof OperationError))
    return { kind: "internal", message: "the run failed by a bug; the gateway's log has it", fix: null };
  return { kind: "storage", message: renderError(error), fix: error.fix ?? null };
}

export type AfterFailure = { kind: "compact" } | { kind: "abort" } | { kind: "fail"; error: RunError };

/** @param hasCompacted for this step already */
export function decideAfterFailure(error: ModelError, hasCompacted: boolean): AfterFailure {
  if (error.failure === "aborted") return { kind: "abort" };
  if (error.failure === "overflow" && !hasCompacted) return { kind: "compact" };
  const fix = error.fix;
  if (error.failure === "overflow")
    return { kind: "fail", error: { kind: "overflow", message: error.message, fix: fix ?? "begin a new conversation: /new" } };
  const kind = error.failure === "over-budget" ? "limit" : "model";
  return { kind: "fail", error: { kind, message: error.message, fix } };
}
