// Responses that a server of ours writes past the web's streams, each of which takes a millisecond to pass on a line and half of what a gigabyte costs.
// They are ordinary responses all the same, for whoever reads them elsewhere. What is in one is its maker's.
import type { ServerResponse } from "node:http";

/** Writes the body, after the status and all headers but those that say how long it is. */
type Writer = (outgoing: ServerResponse) => void;

const writers = new WeakMap<Response, Writer>();

/** @param write in place of the response's own body, of which nothing is read then; called at most once */
export function makeDirect(response: Response, write: Writer): Response {
  writers.set(response, write);
  return response;
}

/** An answer that is whole. */
export function toJsonResponse(value: unknown): Response {
  const text = JSON.stringify(value);
  const response = new Response(text, { headers: { "content-type": "application/json" } });
  return makeDirect(response, (outgoing) => outgoing.setHeader("content-length", Buffer.byteLength(text)).end(text));
}

/** @returns false when the response's own body is to be read */
export function sendDirect(response: Response, outgoing: ServerResponse): boolean {
  const write = writers.get(response);
  if (write === undefined) return false;
  outgoing.statusCode = response.status;
  for (const [name, value] of response.headers) outgoing.setHeader(name, value);
  write(outgoing);
  return true;
}
