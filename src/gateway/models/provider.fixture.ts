// A provider for tests that answers byte by byte as a test says, for what no honest server does: it hangs, cuts, redirects, never ends.
// What honest servers do is aimock's. It asserts nothing.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { onTestFinished } from "vitest";

export interface Provider {
  /** `http://127.0.0.1:PORT/v1` */
  url: string;
  requests: { path: string; headers: IncomingMessage["headers"]; body: Record<string, unknown> }[];
  /** Connections that the client ended before the answer was over. */
  left: number;
}

export async function serveProvider(answer: (response: ServerResponse, request: IncomingMessage) => void): Promise<Provider> {
  const provider: Provider = { url: "", requests: [], left: 0 };
  const server = createServer((request, response) => {
    let text = "";
    request.setEncoding("utf8").on("data", (piece: string) => {
      text += piece;
    });
    response.on("close", () => {
      if (!response.writableFinished) provider.left += 1;
    });
    request.on("end", () => {
      provider.requests.push({ path: request.url ?? "", headers: request.headers, body: text === "" ? {} : JSON.parse(text) });
      answer(response, request);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  provider.url = `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}/v1`;
  return provider;
}

/** Begins a stream of chat completions. */
export function beginStream(response: ServerResponse, ...chunks: object[]): void {
  response.writeHead(200, { "content-type": "text/event-stream" });
  for (const chunk of chunks) sendChunk(response, chunk);
}

export const sendChunk = (response: ServerResponse, choice: object): void =>
  void response.write(
    `data: ${JSON.stringify({ id: "c1", object: "chat.completion.chunk", created: 1, model: "m", choices: [choice] })}\n\n`,
  );

export const textChunk = (content: string): object => ({ index: 0, delta: { role: "assistant", content }, finish_reason: null });
export const argumentsChunk = (text: string, isFirst = false): object => ({
  index: 0,
  delta: {
    tool_calls: [
      { index: 0, ...(isFirst && { id: "call_1", type: "function" }), function: { ...(isFirst && { name: "weather" }), arguments: text } },
    ],
  },
  finish_reason: null,
});
export const endChunk = (reason: string): object => ({ index: 0, delta: {}, finish_reason: reason });

/** One that something listened on a moment ago. */
export async function findClosedPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}
