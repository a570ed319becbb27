// A tool's call over HTTP: what it says comes as it is said, and whoever takes the request back ends the call, and with it what runs in the sandbox. The
// socket has nothing by which one of its requests is taken back.
import { readEventStream } from "../../api/event-stream-reader.ts";
import type { Problem } from "../../api/wire.ts";
import { type HttpToken, toAway, toAwayError, toHttpError, toHttpHeaders, toProblemError } from "./http.ts";
import type { AnswerOf } from "./methods.ts";

export interface ToolCallParts {
  sessionKey: string;
  tool: string;
  input: Record<string, unknown>;
  token: HttpToken;
  /** Takes the call back. */
  signal: AbortSignal;
  /** What it prints. */
  output(text: string): void;
  /** Where its sandbox is on its way. */
  progress(message: string): void;
}

/** Of one event, whose longest is a result with an image in base64. */
const EVENT_LENGTH_MAX = 67_108_864;

/** @throws GatewayError; DOMException `AbortError` once it was taken back */
export async function callTool(parts: ToolCallParts): Promise<AnswerOf<"tools.call">> {
  const { sessionKey, tool, input, token, signal } = parts;
  const headers = { ...toHttpHeaders(token), accept: "text/event-stream", "content-type": "application/json" };
  const url = `/v1/sessions/${encodeURIComponent(sessionKey)}/tools/${encodeURIComponent(tool)}`;
  // Whatever the gateway would still say is not waited for.
  const over = new AbortController();
  const init = { method: "POST", headers, body: JSON.stringify(input), signal: AbortSignal.any([signal, over.signal]) };
  try {
    const answer = await fetch(url, init).catch(toAway);
    if (!answer.ok) throw toHttpError(await answer.text(), answer.status);
    return await readAnswer(answer, parts);
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    over.abort();
  }
}

async function readAnswer(answer: Response, { output, progress }: ToolCallParts): Promise<AnswerOf<"tools.call">> {
  const limit = { lengthMax: EVENT_LENGTH_MAX, tooLarge: () => toAwayError("what the tool answers is too large") };
  for await (const { event, data } of readEventStream(toChunks(answer), limit)) {
    switch (event) {
      case "progress":
        progress((data as { message: string }).message);
        break;
      case "stdout":
      case "stderr":
        output((data as { text: string }).text);
        break;
      case "exit":
        return data as AnswerOf<"tools.call">;
      case "error":
        throw toProblemError(data as Problem);
    }
  }
  throw toAwayError("the connection broke off");
}

/** By its reader: not every browser iterates over a stream. */
async function* toChunks({ body }: Response): AsyncGenerator<string> {
  const reader = body?.pipeThrough(new TextDecoderStream()).getReader();
  while (reader !== undefined) {
    const { value, done } = await reader.read().catch(toAway);
    if (done) return;
    yield value;
  }
}
