import { getEventListeners } from "node:events";
import { LLMock } from "@copilotkit/aimock";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { toEpochMs } from "../../api/brands.ts";
import type { Secret } from "../../api/models/credential.ts";
import type { ModelTarget } from "../../api/models/resolve.ts";
import { eventually } from "../../api/store/folder.fixture.ts";
import { VirtualClock } from "../../api/virtual-clock.fixture.ts";
import type { AssistantPart, CallEvent, ModelMessage, ModelRequest } from "./model-call.ts";
import {
  argumentsChunk,
  beginStream,
  endChunk,
  findClosedPort,
  type Provider,
  sendChunk,
  serveProvider,
  textChunk,
} from "./provider.fixture.ts";
import { CALL_LIMITS, type CallLimits, SdkCall } from "./sdk-call.ts";
import { KEY, read, targetOf, toRequest, WEATHER } from "./world.fixture.ts";

const mock = new LLMock({ port: 0, host: "127.0.0.1", logLevel: "silent" });
beforeAll(() => mock.start());
afterAll(() => mock.stop());
beforeEach(() => void mock.reset());

interface Asked {
  request?: Partial<ModelRequest>;
  secret?: Secret | null;
  signal?: AbortSignal;
  clock?: VirtualClock;
  limits?: CallLimits;
  codexBaseUrl?: string;
}

function ask(
  target: ModelTarget,
  { request = {}, secret = KEY, signal, clock = new VirtualClock(), limits = CALL_LIMITS, codexBaseUrl = "" }: Asked = {},
) {
  const call = new SdkCall({ clock, codexBaseUrl: () => codexBaseUrl, limits });
  return call.stream({ ...toRequest(request), target, secret }, signal ?? new AbortController().signal);
}

async function last(events: AsyncIterable<CallEvent>): Promise<CallEvent> {
  let end: CallEvent | undefined;
  for await (const event of events) end = event;
  if (end === undefined) throw new Error("no event came");
  return end;
}

/** The same server, spoken to in four ways. */
const WAYS = [
  ["OpenAI chat", "openai/m", () => `{ openai: { baseUrl: "${mock.url}/v1", api: "openai-completions" } }`],
  ["OpenAI Responses", "openai/m", () => `{ openai: { baseUrl: "${mock.url}/v1" } }`],
  ["Anthropic", "anthropic/claude-m", () => `{ anthropic: { baseUrl: "${mock.url}" } }`],
  ["an OpenAI-compatible URL", "local/m", () => `{ local: { baseUrl: "${mock.url}/v1" } }`],
] as const;

test.each(WAYS)("over %s a model asks for a tool, is told its result, and answers", async (_, reference, providers) => {
  mock.on(
    { userMessage: "weather", hasToolResult: false },
    { toolCalls: [{ name: "weather", arguments: '{"city":"Oslo"}', id: "call_1" }] },
  );
  mock.on({ hasToolResult: true }, { content: "It is cold in Oslo." });
  const target = targetOf(reference, providers());
  const question: ModelMessage = { role: "user", parts: [{ kind: "text", text: "weather in Oslo?" }] };
  const first = await last(ask(target, { request: { messages: [question] } }));
  if (first.kind !== "answered") throw new Error(JSON.stringify(first));
  const [toolCall] = first.parts.filter((part): part is AssistantPart & { kind: "tool-call" } => part.kind === "tool-call");
  expect(first.stop).toBe("tool-calls");
  expect(toolCall).toMatchObject({ tool: "weather", input: { city: "Oslo" }, problem: null });
  const result: ModelMessage = { role: "tool", results: [{ id: toolCall?.id ?? "", tool: "weather", text: "-4 degrees", isError: false }] };
  const messages: ModelMessage[] = [question, { role: "assistant", parts: first.parts }, result];
  expect(await read(ask(target, { request: { messages } }))).toEqual(["text: It is cold in Oslo.", "answered end"]);
  const sent = JSON.stringify(mock.getRequests().map(({ body }) => body));
  for (const said of ["You are terse.", "weather in Oslo?", "-4 degrees", "The weather in a city"]) expect(sent).toContain(said);
});

test.each(WAYS)("over %s what a call used is what the provider counted", async (_, reference, providers) => {
  const usage = { prompt_tokens: 120, completion_tokens: 7, input_tokens: 120, output_tokens: 7 };
  mock.onMessage("hello", { content: "hi", usage });
  expect(await last(ask(targetOf(reference, providers())))).toMatchObject({ usage: { input: 120, output: 7, isEstimated: false } });
});

test.each(WAYS)(
  "over %s a 429 says when to come back, a wrong key is one, an overflow is one, and nothing is tried twice",
  async (_, reference, providers) => {
    mock.onMessage("limited", { error: { message: "Rate limit reached", type: "rate_limit_error" }, status: 429, retryAfter: 7 });
    mock.onMessage("denied", { error: { message: "Incorrect API key provided", type: "authentication_error" }, status: 401 });
    mock.onMessage("full", {
      error: { message: "prompt is too long: 9 tokens > 8 maximum", code: "context_length_exceeded" },
      status: 400,
    });
    const target = targetOf(reference, providers());
    const say = async (text: string) =>
      await last(ask(target, { request: { messages: [{ role: "user", parts: [{ kind: "text", text }] }] } }));
    expect(await say("limited")).toMatchObject({
      kind: "failed",
      error: { failure: "rate-limited", status: 429, retryAfterMs: 7_000 },
      usage: null,
    });
    expect(await say("denied")).toMatchObject({ kind: "failed", error: { failure: "unauthenticated", status: 401 } });
    expect(await say("full")).toMatchObject({ kind: "failed", error: { failure: "overflow" } });
    expect(mock.getRequests()).toHaveLength(3);
  },
);

test.each(WAYS)(
  "over %s a stream that is cut in the middle is cut, and a tool call that was in it is never given out",
  async (_, reference, providers) => {
    const toolCalls = [{ name: "weather", arguments: `{"city":"${"Oslo ".repeat(60)}"}`, id: "call_1" }];
    mock.on({ userMessage: "hello" }, { toolCalls }, { chunkSize: 20, truncateAfterChunks: 4, latency: 10 });
    const events = ask(targetOf(reference, providers()));
    const end = await last(events);
    expect(end).toMatchObject({ kind: "failed", error: { failure: "cut" }, usage: { isEstimated: true } });
  },
);

test.each(WAYS)("over %s garbage is garbage", async (_, reference, providers) => {
  mock.on({ userMessage: "hello" }, { content: "hi" }, { chaos: { malformedRate: 1 } });
  expect(await last(ask(targetOf(reference, providers())))).toMatchObject({ kind: "failed", error: { failure: "garbage" } });
});

/** A provider of one's own that answers as written, as a target. */
const targetAt = (provider: Provider, more = ""): ModelTarget => targetOf("local/m", `{ local: { baseUrl: "${provider.url}"${more} } }`);

test("arguments that end in the middle are never run: with the stream, at the limit of tokens, or as no JSON", async () => {
  const cut = await serveProvider((response) => {
    beginStream(response, argumentsChunk('{"city":"Os', true), argumentsChunk('lo"}'));
    response.end("data: [DONE]\n\n");
  });
  expect(await read(ask(targetAt(cut)))).toEqual(["failed cut: the stream ended in the middle"]);
  const limited = await serveProvider((response) => {
    beginStream(response, argumentsChunk('{"city":"Oslo"}', true), endChunk("length"));
    response.end("data: [DONE]\n\n");
  });
  expect(await read(ask(targetAt(limited)))).toEqual([
    'answered length weather({"city":"Oslo"}) not to be run: the answer was cut at its limit of tokens, so the arguments may be incomplete',
  ]);
  const broken = await serveProvider((response) => {
    beginStream(response, argumentsChunk('{"city":"Os', true), endChunk("tool_calls"));
    response.end("data: [DONE]\n\n");
  });
  expect(await read(ask(targetAt(broken)))).toEqual([
    "answered tool-calls weather(null) not to be run: its arguments are not the JSON of an object",
  ]);
});

test("a tool that was not offered is not to be run", async () => {
  const provider = await serveProvider((response) => {
    beginStream(response, argumentsChunk("{}", true), endChunk("tool_calls"));
    response.end("data: [DONE]\n\n");
  });
  const request = { tools: [{ ...WEATHER, name: "other" }] };
  expect(await read(ask(targetAt(provider), { request }))).toEqual([
    'answered tool-calls weather(null) not to be run: there is no tool "weather"',
  ]);
});

test("a stream that hangs ends after 120 s of silence, after 300 s where the provider is one's own", async () => {
  const provider = await serveProvider((response) => beginStream(response, textChunk("half")));
  const silence = async (target: ModelTarget, advanceMs: number): Promise<string[]> => {
    const clock = new VirtualClock();
    const lines: string[] = [];
    for await (const event of ask(target, { clock })) {
      if (event.kind === "text") await clock.advance(advanceMs);
      if (event.kind === "failed") lines.push(`${event.error.failure}: ${event.error.message}`);
    }
    return lines;
  };
  const own = targetAt(provider);
  expect(await silence(own, 300_000)).toEqual(["silent: nothing came from the provider for 300 s"]);
  expect(await silence({ ...own, isSelfHosted: false }, 120_000)).toEqual(["silent: nothing came from the provider for 120 s"]);
  await eventually("the connections are closed", () => provider.left === 2);
});

test("a provider that takes the request and says nothing is silent too", async () => {
  const provider = await serveProvider(() => undefined);
  const clock = new VirtualClock();
  const end = last(ask(targetAt(provider), { clock }));
  await eventually("the request is there", () => provider.requests.length === 1);
  await clock.advance(300_000);
  expect(await end).toMatchObject({ kind: "failed", error: { failure: "silent" }, usage: null });
});

test("a call that never ends is over when its time is, however much it says", async () => {
  const provider = await serveProvider((response) => beginStream(response, textChunk("a")));
  const clock = new VirtualClock();
  const kinds: string[] = [];
  for await (const event of ask(targetAt(provider, ", timeoutSeconds: 60"), { clock })) {
    if (event.kind === "text") await clock.advance(60_000);
    kinds.push(event.kind === "failed" ? `${event.error.failure}: ${event.error.message}` : event.kind);
  }
  expect(kinds).toEqual(["text", "timed-out: the call took longer than 60 s"]);
});

test("an answer that is larger than any answer is not read to its end", async () => {
  const provider = await serveProvider((response) => {
    beginStream(response);
    const more = (): void => {
      for (let count = 0; count < 100; count += 1) sendChunk(response, textChunk("x".repeat(1_000)));
      if (!response.destroyed) response.once("drain", more);
    };
    more();
  });
  expect(await last(ask(targetAt(provider), { limits: { ...CALL_LIMITS, bytesMax: 50_000 } }))).toMatchObject({
    kind: "failed",
    error: { failure: "too-large", message: "the answer is larger than 50000 bytes" },
  });
  await eventually("the connection is closed", () => provider.left === 1);
});

test("a redirect is not followed: a key is for the server that it was given to", async () => {
  const thief = await serveProvider((response) => response.end("{}"));
  const provider = await serveProvider((response) => void response.writeHead(307, { location: `${thief.url}/chat/completions` }).end());
  expect(await last(ask(targetAt(provider)))).toMatchObject({ kind: "failed", error: { failure: "garbage" } });
  expect(thief.requests).toEqual([]);
});

test("a page of HTML, a closed port and a reset connection are what they are", async () => {
  const page = await serveProvider((response) => void response.writeHead(200, { "content-type": "text/html" }).end("<html>sign in</html>"));
  expect(await last(ask(targetAt(page)))).toMatchObject({ error: { failure: expect.stringMatching(/garbage|cut/) } });
  const closed = targetOf("local/m", `{ local: { baseUrl: "http://127.0.0.1:${await findClosedPort()}/v1" } }`);
  expect(await last(ask(closed))).toMatchObject({
    error: { failure: "transient", message: "the provider can't be reached: nothing listens there" },
  });
  const reset = await serveProvider((response) => {
    beginStream(response, textChunk("half"));
    response.destroy();
  });
  expect(await last(ask(targetAt(reset)))).toMatchObject({ error: { failure: expect.stringMatching(/cut|transient/) } });
});

test("an abort ends the call and the connection at once, and so does whoever stops reading", async () => {
  const provider = await serveProvider((response) => beginStream(response, textChunk("half")));
  const controller = new AbortController();
  const clock = new VirtualClock();
  const lines: string[] = [];
  for await (const event of ask(targetAt(provider), { clock, signal: controller.signal })) {
    if (event.kind === "text") controller.abort();
    if (event.kind === "failed") lines.push(event.error.failure);
  }
  expect(lines).toEqual(["aborted"]);
  for await (const event of ask(targetAt(provider), { clock })) if (event.kind === "text") break;
  await eventually("the connections are closed", () => provider.left === 2);
  expect(clock.timerCount).toBe(0);
});

test.each([
  ["less than nothing", { prompt_tokens: -500, completion_tokens: 5 }],
  ["nothing", { prompt_tokens: 0, completion_tokens: 0 }],
  ["more than there are", { prompt_tokens: 1e15, completion_tokens: 5 }],
  ["halves", { prompt_tokens: 1.5, completion_tokens: 5 }],
])("a provider that counts %s has not counted", async (_, usage) => {
  const provider = await serveProvider((response) => {
    beginStream(response, textChunk("hello there"), endChunk("stop"));
    response.write(
      `data: ${JSON.stringify({ id: "c1", object: "chat.completion.chunk", created: 1, model: "m", choices: [], usage })}\n\n`,
    );
    response.end("data: [DONE]\n\n");
  });
  const end = await last(ask(targetAt(provider)));
  expect(end).toMatchObject({ kind: "answered", usage: { isEstimated: true, output: 3 } });
  expect(end.kind === "answered" && end.usage.input).toBeGreaterThan(10);
});

test("a hundred calls that are aborted, end or fail leave no listener on the signal and no timer", async () => {
  const provider = await serveProvider((response, request) => {
    const kind = provider.requests.length % 3;
    if (kind === 0) response.destroy();
    else beginStream(response, textChunk("hi"), ...(kind === 1 ? [endChunk("stop")] : []));
    if (kind === 1) response.end("data: [DONE]\n\n");
    request.resume();
  });
  const [controller, clock] = [new AbortController(), new VirtualClock()];
  for (let count = 0; count < 100; count += 1)
    for await (const event of ask(targetAt(provider), { clock, signal: controller.signal }))
      if (event.kind === "text" && count % 3 === 1) break;
  expect(getEventListeners(controller.signal, "abort")).toEqual([]);
  expect(clock.timerCount).toBe(0);
});

test("a provider of one's own gets no key where there is none", async () => {
  const provider = await serveProvider((response) => {
    beginStream(response, textChunk("hi"), endChunk("stop"));
    response.end("data: [DONE]\n\n");
  });
  expect(await read(ask(targetAt(provider), { secret: null }))).toEqual(["text: hi", "answered end"]);
  expect(provider.requests[0]?.headers.authorization).toBeUndefined();
});

test("a ChatGPT sign-in goes to its own place, with its account, and asks that nothing be stored", async () => {
  const provider = await serveProvider((response) => void response.writeHead(503, { "content-type": "application/json" }).end("{}"));
  const secret: Secret = { kind: "oauth", accessToken: "at-1", accountId: "acc-1", expiresAt: toEpochMs(9e12) };
  const end = await last(ask(targetOf("openai/gpt-5"), { secret, codexBaseUrl: `${provider.url}/codex` }));
  expect(end).toMatchObject({ error: { failure: "transient", status: 503 } });
  const [request] = provider.requests;
  expect(request?.path).toBe("/v1/codex/responses");
  expect(request?.headers).toMatchObject({
    ...{
      authorization: "Bearer at-1",
      "chatgpt-account-id": "acc-1",
      originator: "openclaw",
      session_id: expect.stringMatching(/^[0-9a-f]{32}$/),
    },
    "openai-beta": "responses=experimental",
  });
  expect(request?.body).toMatchObject({
    store: false,
    stream: true,
    instructions: "You are terse.",
    include: ["reasoning.encrypted_content"],
  });
});

test("a session's key is in no call, an image is in none of a model that takes none, and settings of a model are in each", async () => {
  const provider = await serveProvider((response) => void response.writeHead(503, { "content-type": "application/json" }).end("{}"));
  const image = { kind: "image" as const, mediaType: "image/png", data: new Uint8Array([1, 2, 3]) };
  const request = { cacheKey: "agent:main:telegram:direct:4915112345678-ä", messages: [{ role: "user" as const, parts: [image] }] };
  const model = (input: string): string =>
    `{ openai: { baseUrl: "${provider.url}", models: [{ id: "m", maxTokens: 77, input: [${input}] }] } }`;
  await last(ask(targetOf("openai/m", model('"text"')), { request }));
  await last(ask(targetOf("openai/m", model('"text", "image"')), { request }));
  const secret: Secret = { kind: "oauth", accessToken: "at-1", accountId: null, expiresAt: toEpochMs(9e12) };
  await last(ask(targetOf("openai/m", model('"text"')), { request, secret, codexBaseUrl: provider.url }));
  const sent = provider.requests.map(({ headers, body }) => JSON.stringify([headers, body]));
  expect(sent.join()).not.toContain("4915112345678");
  expect(sent.map((text) => text.includes("AQID"))).toEqual([false, true, false]);
  expect(sent[0]).toContain("an image, which this model can't see");
  expect(sent.map((text) => text.includes('"max_output_tokens":77'))).toEqual([true, true, false]);
});

test("an Anthropic key and a token of a sign-in are sent as each has to be", async () => {
  const provider = await serveProvider((response) => void response.writeHead(401, { "content-type": "application/json" }).end("{}"));
  const target = targetOf("anthropic/claude-m", `{ anthropic: { baseUrl: "${provider.url}" } }`);
  await last(ask(target, { secret: { kind: "api-key", apiKey: "sk-ant-api-1" } }));
  await last(ask(target, { secret: { kind: "token", token: "sk-ant-oat-1" } }));
  const [key, token] = provider.requests;
  expect(key?.headers).toMatchObject({ "x-api-key": "sk-ant-api-1" });
  expect(token?.headers).toMatchObject({
    authorization: "Bearer sk-ant-oat-1",
    "anthropic-beta": expect.stringContaining("oauth-2025-04-20"),
  });
  expect(token?.headers["x-api-key"]).toBeUndefined();
});

/** What each protocol calls it, of a model that thinks. */
const EFFORTS = [
  ["OpenAI chat", "openai/gpt-5.2", WAYS[0][2], { reasoning_effort: "high" }],
  ["OpenAI Responses", "openai/gpt-5.2", WAYS[1][2], { reasoning: { effort: "high" } }],
  [
    "Anthropic",
    "anthropic/claude-opus-4-5",
    WAYS[2][2],
    { thinking: expect.objectContaining({ type: expect.stringMatching(/enabled|adaptive/) }) },
  ],
  ["an OpenAI-compatible URL", "local/m", WAYS[3][2], { reasoning_effort: "high" }],
] as const;

test.each(EFFORTS)(
  "over %s a model is told how hard to think, and nothing where nobody says",
  async (_, reference, providers, expected) => {
    const provider = await serveProvider((response) => void response.writeHead(400).end("{}"));
    const target = targetOf(reference, providers().replaceAll(`${mock.url}/v1`, provider.url).replaceAll(mock.url, provider.url));
    await last(ask(target, { request: { thinking: "high" } }));
    await last(ask(target, { request: { thinking: null } }));
    const [told, untold] = provider.requests.map(({ body }) => body);
    expect(told).toMatchObject(expected);
    expect(told).not.toMatchObject({ reasoning: { summary: expect.anything() } });
    for (const key of Object.keys(expected)) expect(untold).not.toHaveProperty(key);
  },
);

test("a model that does not think is asked as usual, and nothing is written to the terminal about it", async () => {
  const warned: unknown[] = [];
  const listen = (warning: unknown): void => void warned.push(warning);
  process.on("warning", listen);
  mock.onMessage("hello", { content: "hi" });
  const target = targetOf("openai/m", WAYS[1][2]());
  expect(await read(ask(target, { request: { thinking: "high" } }))).toEqual(["text: hi", "answered end"]);
  await new Promise((resolve) => setImmediate(resolve));
  process.off("warning", listen);
  expect(warned).toEqual([]);
});
