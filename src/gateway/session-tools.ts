// Tools as every door calls them: the call is use of its session, counted, bounded in number, and of a live session only.
// What a tool does is tools/; who may call is the doors'.
import { OperationError } from "../api/errors.ts";
import type { Session } from "../api/session.ts";
import { toToolName } from "../api/tool-policy.ts";
import type { GatewayMetrics, ToolCallResult } from "./metrics.ts";
import type { Sessions } from "./sessions/sessions.ts";
import type { ToolCall, ToolDescription, ToolResult, Tools } from "./tool-port.ts";

/** The controller runs 256 commands at once; those beyond would be refused there. */
const CALLS_MAX = 256;

export interface SessionToolsParts {
  tools: Tools;
  sessions: Pick<Sessions, "touch">;
  metrics: Pick<GatewayMetrics, "toolCall">;
}

export class SessionTools implements Tools {
  readonly #parts: SessionToolsParts;
  #running = 0;

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
    const { tools, sessions, metrics } = this.#parts;
    const tool = toToolName(call.tool);
    if (this.#running >= CALLS_MAX) throw new OperationError("LimitExceeded", `${CALLS_MAX} tool calls are running already`);
    if (call.session.spec.endedAt !== undefined) throw new OperationError("NotFound", `the session ${call.session.spec.key} has ended`);
    this.#running += 1;
    try {
      await sessions.touch(call.session.spec.key);
      const result = await tools.call(call);
      metrics.toolCall(tool, result.isError ? "failure" : "success");
      return result;
    } catch (error) {
      metrics.toolCall(tool, toResult(error));
      throw error;
    } finally {
      this.#running -= 1;
    }
  }
}

function toResult(error: unknown): ToolCallResult {
  if (!(error instanceof OperationError)) return "error";
  if (error.code === "Forbidden") return "denied";
  return error.code === "Aborted" ? "aborted" : "error";
}
