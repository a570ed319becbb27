// What a failed call was, from what the provider answered: its status, its headers and the words of its error. Pure.
// What is done about it is decide-next.ts's.
import { redactSecrets } from "../../api/secret-text.ts";
import type { ModelError, ModelFailure } from "./model-call.ts";
import { toModelFailure } from "./model-error.ts";

/** What is known of a failure. */
export interface Refusal {
  /** null: there was no response, or it was no error by its status. */
  status: number | null;
  /** The provider's own words for it: type, code. Empty: none. */
  code: string;
  message: string;
  retryAfterMs: number | null;
}

const OVERFLOW_CODES = /context_length_exceeded|request_too_large|string_above_max_length/i;
const OVERFLOW_TEXT =
  /context (?:length|window|size)|maximum context|prompt is too long|too many (?:input |total )?tokens|input (?:is )?too long|exceeds? (?:the )?(?:model'?s |available )?(?:max(?:imum)? )?(?:context|input tokens|number of tokens)|reduce the length of the (?:messages|prompt|input)/i;
const QUOTA = /insufficient_quota|billing|credit balance|quota_exceeded|usage_limit_reached|payment/i;
const OVERLOADED = /overloaded|server_error|api_error|internal|unavailable|timeout/i;
const KEY_CODES = /invalid_api_key|authentication_error|invalid_authentication|token_expired|unauthorized/i;
const RATE_CODES = /rate_limit|too_many_requests/i;

/** What a provider says of itself may be long, and may repeat what it was sent. */
const MESSAGE_LENGTH_MAX = 300;

export function classifyRefusal({ status, code, message, retryAfterMs }: Refusal): ModelError {
  return toModelFailure(toFailure(status, code, message), toOneLine(message), { status, retryAfterMs });
}

function toFailure(status: number | null, code: string, message: string): ModelFailure {
  if (isOverflow(status, code, message)) return "overflow";
  const words = `${code} ${message}`;
  switch (status) {
    case 401:
      return "unauthenticated";
    case 402:
      return "quota";
    // Of Anthropic and others also: a region or a model that this key may not use.
    case 403:
      return QUOTA.test(words) ? "quota" : "unauthenticated";
    case 429:
      return QUOTA.test(code) || /billing|credit balance/i.test(message) ? "quota" : "rate-limited";
    case 408:
    case 409:
    case 425:
      return "transient";
    default:
      break;
  }
  if (status !== null && status >= 500) return "transient";
  // An error inside a stream, whose response began with 200.
  if (QUOTA.test(code)) return "quota";
  if (RATE_CODES.test(code)) return "rate-limited";
  if (KEY_CODES.test(code)) return "unauthenticated";
  if (status === null || status < 400) return OVERLOADED.test(words) ? "transient" : "garbage";
  return "rejected";
}

function isOverflow(status: number | null, code: string, message: string): boolean {
  if (status !== null && status !== 400 && status !== 413 && status !== 422 && status >= 300) return false;
  return OVERFLOW_CODES.test(code) || status === 413 || OVERFLOW_TEXT.test(message);
}

/** Seconds or a date, as HTTP has them; some say milliseconds in a header of their own. null: nothing, or nothing sensible. @param now ms */
export function parseRetryAfter(headers: Readonly<Record<string, string | undefined>>, now: number): number | null {
  const inMs = Number(headers["retry-after-ms"]);
  if (headers["retry-after-ms"] !== undefined && Number.isFinite(inMs) && inMs >= 0) return Math.round(inMs);
  const written = headers["retry-after"]?.trim();
  if (written === undefined || written === "") return null;
  if (/^\d+(?:\.\d+)?$/.test(written)) return Math.round(Number(written) * 1_000);
  const at = /[a-z]/i.test(written) ? Date.parse(written) : Number.NaN;
  return Number.isNaN(at) ? null : Math.max(0, at - now);
}

export function toOneLine(text: string): string {
  const line = redactSecrets(text).replaceAll(/\s+/g, " ").trim().replace(/\.$/, "");
  return line.length > MESSAGE_LENGTH_MAX ? `${line.slice(0, MESSAGE_LENGTH_MAX)}...` : line;
}
