// Runs as server-sent events of a response: those of a session as they come, or one from its acceptance to its end.
// The events are run-events.ts's.
import { EventStream } from "../../api/event-stream.ts";
import type { ChatAccepted } from "../agent/agent-port.ts";
import type { WireEvent } from "./chat-events.ts";
import { followSession, type RunEventsParts, startRun } from "./run-events.ts";

export interface RunStreamParts extends RunEventsParts {
  /** As a problem, for the last event. */
  toProblem(error: unknown): object;
}

/** Until the client goes. */
export function streamSession(parts: RunStreamParts): Response {
  const stream = new EventStream();
  const signal = AbortSignal.any([parts.signal, stream.gone]);
  void pass(stream, followSession({ ...parts, signal }), parts.toProblem);
  return stream.response;
}

/** From its acceptance on; a run that is over already is not told again. @param send what it throws is thrown here, before there is a response */
export async function streamRun(parts: RunStreamParts, send: () => Promise<ChatAccepted>): Promise<Response> {
  const gone = new AbortController();
  const signal = AbortSignal.any([parts.signal, gone.signal]);
  const { accepted, events } = await startRun({ ...parts, signal }, send);
  const stream = new EventStream();
  stream.gone.addEventListener("abort", () => gone.abort(), { once: true });
  void stream.send("accepted", accepted);
  void pass(stream, events, parts.toProblem);
  return stream.response;
}

async function pass(stream: EventStream, events: AsyncIterable<WireEvent>, toProblem: (error: unknown) => object): Promise<void> {
  try {
    for await (const { event, payload } of events) await stream.send(event, payload);
  } catch (error) {
    await stream.send("error", toProblem(error));
  } finally {
    await stream.close();
  }
}
