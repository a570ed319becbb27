// Tools as every server calls them: a call marks its session as used, is counted and limited, and needs a live session.
// What a tool does is tools/; who may call is the servers'.
import type { SessionKey } from "../../api/brands.ts";
import { OperationError } from "../../api/errors.ts";
import type { Session } from "../../api/session.ts";
import { toToolName } from "../../api/tool-policy.ts";
import type { GatewayMetrics, ToolCallResult } from "../metrics.ts";
import type { ToolCall, ToolDescription, ToolResult, Tools } from "../tools/tool-port.ts";
import type { Sessions } from "./sessions.ts";

/** The controller runs 256 commands at once; those beyond would be refused there. */
const CALLS_MAX = 256;

/** What a call is given to end when it was taken back; a change of files that has begun is finished, and may take longer. */
const ENDING_MS_MAX = 5_000;

interface RunningCall {
  readonly key: SessionKey;
  readonly taken: AbortController;
  readonly ended: PromiseWithResolvers<void>;
}

export interface SessionToolsParts {
  tools: Tools;
  sessions: Pick<Sessions, "touch">;
  metrics: Pick<GatewayMetrics, "toolCall">;
}

export class SessionTools implements Tools {
  readonly #parts: SessionToolsParts;
  readonly #running = new Set<RunningCall>();
  /** How many times each is being ended now. */
  readonly #interrupted = new Map<SessionKey, number>();

  constructor(parts: SessionToolsParts) {
    this.#parts = parts;
  }

  list(session: Pick<Session, "spec">): Promise<readonly ToolDescription[]> {
    return this.#parts.tools.list(session);
  }

  /** What it refuses counts as a call. */
  admit(session: Pick<Session, "spec">, tool: string): void {
    try {
      this.#parts.tools.admit(session, tool);
    } catch (error) {
      this.#parts.metrics.toolCall(toToolName(tool), toResult(error));
      throw error;
    }
  }

  async call(call: ToolCall): Promise<ToolResult> {
    const work = (signal: AbortSignal): Promise<ToolResult> => this.#parts.tools.call({ ...call, signal });
    return await this.during(call, work, ({ isError }) => isError);
  }

  /** Does what counts as a call of the tool. Its signal aborts with the caller's, and when the session ends. */
  async during<Result>(
    { session, tool: name, signal }: Pick<ToolCall, "session" | "tool" | "signal">,
    work: (signal: AbortSignal) => Promise<Result>,
    isFailure: (result: Result) => boolean = () => false,
  ): Promise<Result> {
    const { sessions, metrics } = this.#parts;
    const tool = toToolName(name);
    const { key, endedAt } = session.spec;
    if (this.#running.size >= CALLS_MAX) throw new OperationError("LimitExceeded", `${CALLS_MAX} tool calls are already running`);
    if (endedAt !== undefined) throw new OperationError("NotFound", `the session ${key} has ended`);
    if (this.#interrupted.has(key)) throw new OperationError("Aborted", `the session ${key} is being ended or reset`);
    const running: RunningCall = { key, taken: new AbortController(), ended: Promise.withResolvers() };
    this.#running.add(running);
    try {
      await sessions.touch(key);
      const result = await work(AbortSignal.any([signal, running.taken.signal]));
      metrics.toolCall(tool, isFailure(result) ? "failure" : "success");
      return result;
    } catch (error) {
      metrics.toolCall(tool, toResult(error));
      throw error;
    } finally {
      this.#running.delete(running);
      running.ended.resolve();
    }
  }

  /** Takes every call of the session back, and lets no other begin until the work is done. */
  async interrupt<Result>(key: SessionKey, work: () => Promise<Result>): Promise<Result> {
    this.#interrupted.set(key, (this.#interrupted.get(key) ?? 0) + 1);
    try {
      const calls = [...this.#running].filter((call) => call.key === key);
      for (const { taken } of calls) taken.abort();
      const late = AbortSignal.timeout(ENDING_MS_MAX);
      await Promise.race([
        Promise.all(calls.map(({ ended }) => ended.promise)),
        new Promise((resolve) => late.addEventListener("abort", resolve)),
      ]);
      return await work();
    } finally {
      const left = (this.#interrupted.get(key) ?? 0) - 1;
      if (left > 0) this.#interrupted.set(key, left);
      else this.#interrupted.delete(key);
    }
  }
}

function toResult(error: unknown): ToolCallResult {
  if (!(error instanceof OperationError)) return "error";
  if (error.code === "Forbidden") return "denied";
  return error.code === "Aborted" ? "aborted" : "error";
}
