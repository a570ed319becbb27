import { expect, test } from "vitest";
import { classifyRefusal, parseRetryAfter } from "./classify.ts";

const classify = (status: number | null, code: string, message: string): string =>
  classifyRefusal({ status, code, message, retryAfterMs: null }).failure;

test.each([
  [401, "invalid_api_key", "Incorrect API key provided: sk-abc", "unauthenticated"],
  [401, "authentication_error", "invalid x-api-key", "unauthenticated"],
  [403, "permission_error", "Your API key does not have permission", "unauthenticated"],
  [402, "", "Insufficient credits", "quota"],
  [429, "rate_limit_exceeded", "Rate limit reached", "rate-limited"],
  [429, "insufficient_quota", "You exceeded your current quota", "quota"],
  [429, "usage_limit_reached", "The usage limit has been reached", "quota"],
  [400, "invalid_request_error", "Your credit balance is too low", "rejected"],
  [529, "overloaded_error", "Overloaded", "transient"],
  [500, "", "boom", "transient"],
  [503, "", "maintenance", "transient"],
  [408, "", "timeout", "transient"],
  [404, "model_not_found", "The model does not exist", "rejected"],
  [400, "invalid_request_error", "messages.1: bad", "rejected"],
  [400, "context_length_exceeded", "This model's maximum context length is 8192 tokens", "overflow"],
  [400, "invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum", "overflow"],
  [400, "", "the request exceeds the available context size (4096 tokens)", "overflow"],
  [400, "", "Input is too long for requested model", "overflow"],
  [413, "request_too_large", "Request exceeds the maximum size", "overflow"],
  // Inside a stream that began with 200.
  [null, "overloaded_error", "Overloaded", "transient"],
  [null, "server_error", "The server had an error", "transient"],
  [null, "rate_limit_exceeded", "slow down", "rate-limited"],
  [null, "context_length_exceeded", "too long", "overflow"],
  [null, "strange", "what is this", "garbage"],
  [302, "", "Found", "garbage"],
] as const)("%s %s %s is %s", (status, code, message, expected) => {
  expect(classify(status, code, message)).toBe(expected);
});

test("a limit on tokens a minute is no overflow, whatever its words", () => {
  expect(classify(429, "tokens", "Request too large: too many tokens per minute, limit 30000")).toBe("rate-limited");
});

test("a provider's words are one line of a bounded length, without the key that it may repeat", () => {
  const { message } = classifyRefusal({
    status: 401,
    code: "",
    message: `Incorrect key\n sk-proj-abcdefgh12345678.  ${"x".repeat(999)}`,
    retryAfterMs: null,
  });
  expect(message).toMatch(/^Incorrect key \[redacted\]/);
  expect(message.length).toBeLessThan(320);
});

test("Retry-After is seconds, a date, or milliseconds in a header of its own", () => {
  const now = Date.UTC(2026, 0, 1);
  expect(parseRetryAfter({ "retry-after": "7" }, now)).toBe(7_000);
  expect(parseRetryAfter({ "retry-after": "0.5" }, now)).toBe(500);
  expect(parseRetryAfter({ "retry-after": "Thu, 01 Jan 2026 00:00:09 GMT" }, now)).toBe(9_000);
  expect(parseRetryAfter({ "retry-after": "Wed, 31 Dec 2025 00:00:00 GMT" }, now)).toBe(0);
  expect(parseRetryAfter({ "retry-after-ms": "250", "retry-after": "9" }, now)).toBe(250);
  for (const nothing of [{}, { "retry-after": "" }, { "retry-after": "soon" }, { "retry-after": "-1" }])
    expect(parseRetryAfter(nothing, now)).toBeNull();
});
