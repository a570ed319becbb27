// A tool call as server-sent events: what it tells is sent as fast as the client reads, so that a slow one holds back only its own tool.
// What a tool tells is tool-port.ts's; the last event is its result or its problem.
import { StringDecoder } from "node:string_decoder";
import { toProblem } from "../../api/wire.ts";
import type { ToolEvent, ToolResult } from "../tool-port.ts";
import { EventStream } from "./event-stream.ts";

export interface ToolStreamOptions {
  /** `text`: output as UTF-8, what is not is replaced. `base64`: as it is. */
  encoding: "text" | "base64";
  /** Runs the call. What it throws is the last event. */
  run(emit: (event: ToolEvent) => Promise<void>, signal: AbortSignal): Promise<ToolResult>;
  /** Told what was thrown, before the client is. */
  failed(error: unknown): void;
  /** The client has gone. */
  signal: AbortSignal;
}

export function toToolStream({ encoding, run, failed, signal }: ToolStreamOptions): Response {
  const stream = new EventStream();
  const decoders = { stdout: new StringDecoder("utf8"), stderr: new StringDecoder("utf8") };
  const emit = async (event: ToolEvent): Promise<void> => {
    if (event.kind === "started") return await stream.send("started", { sandbox: event.sandbox });
    if (event.kind === "progress") return await stream.send("progress", { message: event.message });
    const { kind, chunk } = event;
    if (encoding === "base64") return await stream.send(kind, { data: chunk.toString("base64") });
    const text = decoders[kind].write(chunk);
    if (text !== "") await stream.send(kind, { text });
  };
  const work = async (): Promise<void> => {
    try {
      const result = await run(emit, AbortSignal.any([signal, stream.gone]));
      for (const kind of ["stdout", "stderr"] as const) {
        const rest = decoders[kind].end();
        if (rest !== "") await stream.send(kind, { text: rest });
      }
      await stream.send("exit", result);
    } catch (error) {
      failed(error);
      await stream.send("error", toProblem(error));
    } finally {
      await stream.close();
    }
  };
  void work();
  return stream.response;
}
