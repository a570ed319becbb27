// A tool call as a stream of events: sent as fast as the client reads, so that a slow client holds back only its own tool.
// The events are tool-port.ts's; the last event is its result or its problem.
import { EventStream } from "../../api/event-stream.ts";
import type { Say } from "../../api/place.ts";
import { TextPieces } from "../../api/text/text-pieces.ts";
import type { CommandStream } from "../../api/wire.ts";
import type { ToolEvent } from "../tools/tool-port.ts";
import { FRAMES_TYPE, FrameStream } from "./frame-stream.ts";
import { toProblemHere } from "./problem.ts";

/** `text`: server-sent events with output as UTF-8, what is not is replaced. `base64`: the same with output as it is. `frames`: frame-stream.ts. */
export type ToolStreamForm = "text" | "base64" | "frames";

export interface ToolStreamOptions {
  form: ToolStreamForm;
  /** Runs the call. What it throws is the last event. */
  run(emit: (event: ToolEvent) => Promise<void>, signal: AbortSignal): Promise<object>;
  /** Told what was thrown, before the client is. */
  failed(error: unknown): void;
  /** A hint as it works where the gateway runs. */
  say: Say;
  /** The client has gone. */
  signal: AbortSignal;
}

interface Sink {
  readonly response: Response;
  readonly gone: AbortSignal;
  send(event: string, data: unknown): Promise<void>;
  output(stream: CommandStream, chunk: Buffer): Promise<void>;
  /** No more output comes. */
  outputEnded(): Promise<void>;
  close(): Promise<void>;
}

/** What a client asks for. null: no stream, the result alone. */
export function toStreamForm(accept: string | null, encoding: "text" | "base64" = "text"): ToolStreamForm | null {
  if (accept?.includes(FRAMES_TYPE)) return "frames";
  return accept?.includes("text/event-stream") ? encoding : null;
}

export function toToolStream({ form, run, failed, say, signal }: ToolStreamOptions): Response {
  const sink: Sink = form === "frames" ? new FrameStream() : toEventSink(form);
  const emit = async (event: ToolEvent): Promise<void> => {
    if (event.kind === "started")
      return await sink.send("started", { sandbox: event.sandbox, ...(event.terminal !== undefined && { terminal: event.terminal }) });
    if (event.kind === "progress") return await sink.send("progress", { message: event.message });
    await sink.output(event.kind, event.chunk);
  };
  const work = async (): Promise<void> => {
    try {
      const result = await run(emit, AbortSignal.any([signal, sink.gone]));
      await sink.outputEnded();
      await sink.send("exit", result);
    } catch (error) {
      failed(error);
      await sink.send("error", toProblemHere(error, say));
    } finally {
      await sink.close();
    }
  };
  void work();
  return sink.response;
}

function toEventSink(encoding: "text" | "base64"): Sink {
  const stream = new EventStream();
  const { response, gone } = stream;
  const pieces = { stdout: new TextPieces(), stderr: new TextPieces() };
  const sendText = async (name: CommandStream, text: Buffer): Promise<void> => {
    if (text.length > 0) await stream.sendText(name, text);
  };
  return {
    ...{ response, gone },
    send: (event, data) => stream.send(event, data),
    output: (name, chunk) =>
      encoding === "base64" ? stream.send(name, { data: chunk.toString("base64") }) : sendText(name, pieces[name].take(chunk)),
    outputEnded: async () => {
      for (const name of ["stdout", "stderr"] as const) await sendText(name, pieces[name].end());
    },
    close: () => stream.close(),
  };
}
