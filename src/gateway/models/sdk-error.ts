// What a provider of the AI SDK threw, or put into its stream, as a failure of ours. It looks at names and fields, not at classes, since a stream's errors are plain objects.
// What each status and each word means is classify.ts's.
import { errnoOf } from "../../api/errno.ts";
import { classifyRefusal, parseRetryAfter, toOneLine } from "./classify.ts";
import type { ModelError } from "./model-call.ts";
import { toModelFailure } from "./model-error.ts";

/** @param seen `isAccepted`: the provider had taken the request */
export function toModelError(error: unknown, { isAccepted, now }: { isAccepted: boolean; now: number }): ModelError {
  const fields = toFields(error);
  if (fields.statusCode !== null || fields.code !== "" || !(error instanceof Error)) {
    const headers = toHeaders(fields.headers);
    return classifyRefusal({
      status: fields.statusCode,
      code: fields.code,
      message: fields.message,
      retryAfterMs: parseRetryAfter(headers, now),
    });
  }
  if (isNetwork(error))
    return isAccepted
      ? toModelFailure("cut", `the stream ended in the middle: ${explainNetwork(error)}`)
      : toModelFailure("transient", `the provider can't be reached: ${explainNetwork(error)}`);
  return toModelFailure("garbage", `the answer can't be understood: ${toOneLine(fields.message)}`);
}

interface Fields {
  message: string;
  statusCode: number | null;
  code: string;
  headers: unknown;
}

function toFields(error: unknown): Fields {
  const own = isObject(error) ? error : {};
  // The provider's own words: `{ error: { message, type, code } }`, as data of the SDK's error or as the error itself; `{ response: { error } }` of OpenAI's Responses.
  const data = isObject(own.data) ? own.data : own;
  const outer = isObject(data.response) ? data.response : data;
  const said = isObject(outer.error) ? outer.error : data;
  const text = (value: unknown): string => (typeof value === "string" ? value : "");
  // In a stream that began with 200 some say it as `code`.
  const status = [own.statusCode, own.status, said.status, said.code].find((one) => typeof one === "number") ?? null;
  return {
    message: text(said.message) || text(own.message) || (error instanceof Error ? error.message : String(error)),
    // Of an answer with an error's status alone: an answer of 200 that can't be read is garbage, whatever it is called.
    statusCode: status !== null && status >= 200 && status < 300 ? null : status,
    code: isSaid(own, said)
      ? [said.type, said.code]
          .map(text)
          .filter((word) => word !== "")
          .join(" ")
      : "",
    headers: own.responseHeaders,
  };
}

/** Whether the words are the provider's, and not an error's of this program, which may have a `code` as well (ECONNRESET). */
const isSaid = (own: Record<string, unknown>, said: Record<string, unknown>): boolean => said !== own || !(own instanceof Error);

/** As undici says it: `fetch failed` with the system's error as its cause, `terminated` for a body that ends. */
function isNetwork(error: unknown): boolean {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < CAUSES_MAX; at = at.cause, depth += 1)
    if (/^(?:fetch failed|terminated|other side closed|socket hang up)$/.test(at.message) || /^E[A-Z]+$|^UND_ERR_/.test(errnoOf(at)))
      return true;
  return false;
}

const CAUSES_MAX = 8;

const NETWORK_WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there",
  ENOTFOUND: "there is no such host",
  EAI_AGAIN: "the name can't be looked up",
  ECONNRESET: "the connection was reset",
  ETIMEDOUT: "the connection timed out",
  UND_ERR_CONNECT_TIMEOUT: "the connection timed out",
  UND_ERR_SOCKET: "the connection was closed",
};

function explainNetwork(error: unknown): string {
  let code = "";
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < CAUSES_MAX; at = at.cause, depth += 1) code = errnoOf(at) || code;
  return NETWORK_WORDS[code] ?? (code === "" ? "the connection was closed" : code);
}

function toHeaders(headers: unknown): Record<string, string> {
  if (!isObject(headers)) return {};
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => (typeof value === "string" ? [[name.toLowerCase(), value]] : [])),
  );
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);
