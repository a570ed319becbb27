// The answer to an MCP request as one JSON document, for a client that reads no event stream: what the library's stream says at its end.
// Progress and log messages on the way have no place in it.

/** A response that is no stream stays as it is. Its headers are sent at once, its body when the request is answered. */
export function toJsonAnswer(response: Response): Response {
  const { body, status } = response;
  if (body === null || !response.headers.get("content-type")?.startsWith("text/event-stream")) return response;
  const headers = new Headers(response.headers);
  headers.set("content-type", "application/json");
  return new Response(body.pipeThrough(toAnswers()), { status, headers });
}

/** The session was ended under the request. */
const ENDED = '{"jsonrpc":"2.0","error":{"code":-32001,"message":"Session not found: it has ended"},"id":null}';
/** As the library writes an event: its data on one line. */
const DATA = "data: ";

function toAnswers(): TransformStream<Uint8Array, Uint8Array> {
  const decoder = new TextDecoder();
  const answers: string[] = [];
  let rest: string[] = [];
  return new TransformStream<Uint8Array, Uint8Array>({
    transform: (chunk) => {
      const [first = "", ...lines] = decoder.decode(chunk, { stream: true }).split("\n");
      rest.push(first);
      for (const line of lines) {
        const whole = rest.join("");
        rest = [line];
        if (whole.startsWith(DATA) && isAnswer(whole.slice(DATA.length))) answers.push(whole.slice(DATA.length));
      }
    },
    flush: (controller) => {
      const [answer = ENDED] = answers;
      controller.enqueue(Buffer.from(answers.length > 1 ? `[${answers.join(",")}]` : answer));
    },
  });
}

function isAnswer(text: string): boolean {
  const message: unknown = JSON.parse(text);
  return typeof message === "object" && message !== null && ("result" in message || "error" in message);
}
