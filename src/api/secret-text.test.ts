// What others wrote loses its secrets before it is logged or shown, and nothing else of it.
import { expect, test } from "vitest";
import { createLogTo } from "./log.ts";
import { redactSecrets } from "./secret-text.ts";

const SECRET = "0123456789abcdefABCDEF";
const TOKEN = `eyJhbGciOiJSUzI1NiJ9.eyJ${SECRET}.c2ln${SECRET}`;

test.each([
  ["an OpenAI key", `Incorrect API key provided: sk-proj-${SECRET}. You can find`],
  ["an Anthropic key", `x-api-key: sk-ant-api03-${SECRET}-AA`],
  ["a Groq key", `gsk_${SECRET}`],
  ["a Google key", `AIza${SECRET}`],
  ["a token with claims", `token ${TOKEN} is expired`],
  ["a bearer token", `authorization: Bearer ${SECRET}`],
  ["a login", `Authorization: Basic ${SECRET}==`],
  ["the address that a sign-in ends at", `http://localhost:1455/auth/callback?code=${SECRET}&state=x`],
  ["a form", `grant_type=refresh_token&refresh_token=${SECRET}&client_id=x`],
  ["a key in an address", `https://example.org/v1beta/models?key=${SECRET}`],
  ["JSON", JSON.stringify({ access_token: SECRET, expires_in: 1 })],
  ["JSON in a string of JSON", JSON.stringify({ body: JSON.stringify({ refreshToken: SECRET, apiKey: SECRET }) })],
])("%s is taken out, in a text and from the log, whatever its field is called", (_, text) => {
  expect(redactSecrets(text)).not.toContain(SECRET);
  expect(redactSecrets(text)).toContain("[redacted]");
  const lines: string[] = [];
  createLogTo({ level: "info", say: (text) => text, write: (line) => void lines.push(line) }).info(
    { answer: text, err: new Error(text) },
    text,
  );
  expect(lines.join("")).not.toContain(SECRET);
  expect(() => JSON.parse(lines[0] ?? "")).not.toThrow();
});

test.each([
  "the session agent:main:telegram:group:1234567890123 has ended",
  "openclaw-sbx-agent-main-f5d9acce86b4a012 is ready (0d754a06df32)",
  '{"key":"agent:main:main","keyAbout":"monkey=banana"}',
  "exit code=137, key=value",
  "risk-free, ask-me, disk_usage, task-force-of-the-day-after",
  "sha256:0123456789abcdef0123456789abcdef0123456789abcdef",
])("%s stays as it is", (text) => {
  expect(redactSecrets(text)).toBe(text);
});
