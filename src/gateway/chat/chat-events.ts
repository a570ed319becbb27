// A run's events as clients get them, over the socket and as server-sent events: `chat` is what it answers, `agent` what else it does. Pure.
// When they are sent, and what is put together before, is chat-feed.ts's.
import { unreachable } from "../../api/brands.ts";
import type { ChatUsage } from "../../api/gateway-protocol/chat.ts";
import type { EventPayload } from "../../api/gateway-protocol/events.ts";
import type { RunEvent } from "../agent/agent-port.ts";

type ChatEvent = { event: "chat"; payload: EventPayload<"chat"> };
type AgentEvent = { event: "agent"; payload: EventPayload<"agent"> };

/** `isKept`: sent again to a client that comes back. What a run says and prints is not: it is in the history, and there may be a thousand a second. */
export type WireEvent = (ChatEvent | AgentEvent) & { isKept: boolean };

type Of<Kind extends RunEvent["kind"]> = Extract<RunEvent, { kind: Kind }>;

export function toWireEvent(event: RunEvent): WireEvent {
  switch (event.kind) {
    case "text":
      return toChat(event, { state: "delta", deltaText: event.delta }, false);
    case "restarted":
      return toChat(event, { state: "delta", deltaText: "", replace: true, message: toMessage("", event.at) }, false);
    case "text-ended":
      return toAgent(event, { stream: "assistant", data: { phase: "end", text: event.text } });
    case "ended":
      return toEnd(event);
    case "reasoning":
      return toAgent(event, { stream: "reasoning", data: { phase: "delta", text: event.delta } }, false);
    case "started":
      return toAgent(event, { stream: "lifecycle", data: { phase: "start", model: event.model, verbose: event.verbose } });
    case "steered":
      return toAgent(event, { stream: "lifecycle", data: { phase: "steered", text: event.text } });
    case "notice":
      return toAgent(event, { stream: "lifecycle", data: { phase: "notice", text: event.text } });
    case "retrying":
      return toAgent(event, { stream: "lifecycle", data: { phase: "retrying", message: event.message, afterMs: event.afterMs } });
    case "compacted":
      return toAgent(event, { stream: "lifecycle", data: { phase: "compacted", before: event.before, after: event.after } });
    case "tool-started":
    case "tool-placed":
    case "tool-output":
    case "tool-ended":
      return toToolEvent(event);
    default:
      return unreachable(event);
  }
}

function toEnd({ outcome, text, error, usage, steps, ...of }: Of<"ended">): WireEvent {
  const told = error && {
    ...{ errorKind: error.kind, errorMessage: error.message },
    ...(error.fix !== null && { fix: error.fix }),
  };
  return toChat(of, { state: outcome, message: toMessage(text, of.at), usage: toCounts(usage), steps, ...told }, true);
}

const toMessage = (text: string, timestamp: number): ChatEvent["payload"]["message"] => ({
  ...{ role: "assistant", timestamp },
  content: [{ type: "text", text }],
});

const toCounts = ({ input, output, cacheRead, cacheWrite }: Of<"ended">["usage"]): ChatUsage => ({ input, output, cacheRead, cacheWrite });

function toToolEvent(event: Of<"tool-started" | "tool-placed" | "tool-output" | "tool-ended">): WireEvent {
  const toolCallId = event.callId;
  switch (event.kind) {
    case "tool-started": {
      const { tool: name, input: args } = event;
      return toAgent(event, { stream: "tool", data: { phase: "start", toolCallId, name, args } });
    }
    case "tool-placed":
      return toAgent(event, { stream: "tool", data: { phase: "placed", toolCallId, sandbox: event.sandbox } });
    case "tool-output":
      return toAgent(event, { stream: "tool", data: { phase: "update", toolCallId, stream: event.stream, text: event.text } }, false);
    case "tool-ended": {
      const { isError, text, details, skipped } = event;
      return toAgent(event, { stream: "tool", data: { phase: "result", toolCallId, isError, text, details, skipped } });
    }
    default:
      return unreachable(event);
  }
}

type Place = Pick<RunEvent, "runId" | "session" | "seq" | "at">;

const toChat = (
  { runId, session, seq }: Place,
  payload: Omit<ChatEvent["payload"], "runId" | "sessionKey" | "seq">,
  isKept: boolean,
): WireEvent => ({
  event: "chat",
  payload: { runId, sessionKey: session, seq, ...payload },
  isKept,
});

const toAgent = (
  { runId, session, seq, at }: Place,
  payload: Pick<AgentEvent["payload"], "stream" | "data">,
  isKept = true,
): WireEvent => ({
  event: "agent",
  payload: { runId, sessionKey: session, seq, ts: at, ...payload },
  isKept,
});
