// What a provider says in a stream that began with 200: each protocol has a form of its own for it, and servers that copy one have others.
import { expect, test } from "vitest";
import type { ModelTarget } from "../../api/models/resolve.ts";
import { VirtualClock } from "../../api/virtual-clock.fixture.ts";
import { serveProvider } from "./provider.fixture.ts";
import { SdkCall } from "./sdk-call.ts";
import { KEY, read, targetOf, toRequest } from "./world.fixture.ts";

type ToTarget = (url: string) => ModelTarget;
const COPY: ToTarget = (url) => targetOf("local/m", `{ local: { baseUrl: "${url}" } }`);
const CHAT: ToTarget = (url) => targetOf("openai/m", `{ openai: { baseUrl: "${url}", api: "openai-completions" } }`);
const RESPONSES: ToTarget = (url) => targetOf("openai/m", `{ openai: { baseUrl: "${url}" } }`);
const ANTHROPIC: ToTarget = (url) => targetOf("anthropic/claude-m", `{ anthropic: { baseUrl: "${url}" } }`);
const failedWith = (error: object) => ({ type: "response.failed", sequence_number: 1, response: { error, incomplete_details: null } });

test.each([
  ["a copy: a status as its code", COPY, { error: { message: "too many", type: "x", code: 429 } }, "rate-limited: too many"],
  ["a copy: a type", COPY, { error: { message: "slow down", type: "rate_limit_error" } }, "rate-limited: slow down"],
  ["a copy: words alone", COPY, { error: { message: "Overloaded" } }, "transient: Overloaded"],
  ["a copy: a context that is full", COPY, { error: { message: "full", code: "context_length_exceeded" } }, "overflow: full"],
  ["chat: a server's error", CHAT, { error: { message: "broke", type: "server_error", code: null } }, "transient: broke"],
  [
    "Responses: a type",
    RESPONSES,
    { type: "error", sequence_number: 1, code: "rate_limit_exceeded", message: "slow" },
    "rate-limited: slow",
  ],
  ["Responses: a response that failed", RESPONSES, failedWith({ code: "server_error", message: "broke" }), "transient: broke"],
  ["Responses: a context that is full", RESPONSES, failedWith({ code: "context_length_exceeded", message: "full" }), "overflow: full"],
  [
    "Anthropic: overloaded",
    ANTHROPIC,
    { type: "error", error: { type: "overloaded_error", message: "Overloaded" } },
    "transient: Overloaded",
  ],
])("%s", async (_, toTarget, event, expected) => {
  const provider = await serveProvider((response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.end(`data: ${JSON.stringify(event)}\n\n`);
  });
  const call = new SdkCall({ clock: new VirtualClock(), codexBaseUrl: () => "" });
  const events = call.stream({ ...toRequest(), target: toTarget(provider.url), secret: KEY }, new AbortController().signal);
  expect(await read(events)).toEqual([`failed ${expected}`]);
});
