import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { LLMock } from "@copilotkit/aimock";
import { pino } from "pino";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { toAgentId, toSessionKey } from "../../api/brands.ts";
import { mustParse } from "../../api/config/config.fixture.ts";
import type { Config } from "../../api/config/config.ts";
import { MetricRegistry } from "../../api/metrics-registry.ts";
import type { Secret } from "../../api/models/credential.ts";
import { createFolder } from "../../api/store/folder.fixture.ts";
import { VirtualClock } from "../../api/virtual-clock.fixture.ts";
import { ModelMetrics } from "./model-metrics.ts";
import { ModelService } from "./model-service.ts";
import { ModelTurn } from "./model-turn.ts";
import { viewUsage } from "./models-view.ts";
import { SdkCall } from "./sdk-call.ts";
import { UsageLedger } from "./usage-ledger.ts";
import { type Keys, makeKeys, read, toRequest } from "./world.fixture.ts";

const mock = new LLMock({ port: 0, host: "127.0.0.1", logLevel: "silent" });
beforeAll(() => mock.start());
afterAll(() => mock.stop());
beforeEach(() => void mock.reset());

const OWNER = { sessionKey: toSessionKey("agent:main:main"), agentId: toAgentId("main") };
const secretOf = (apiKey: string): Secret => ({ kind: "api-key", apiKey });
const KEYS = {
  "openai:one": secretOf("sk-first-00000000000000"),
  "openai:two": secretOf("sk-second-0000000000000"),
  "anthropic:one": secretOf("sk-ant-third-00000000"),
};
const USAGE = { prompt_tokens: 1_000, completion_tokens: 100, input_tokens: 1_000, output_tokens: 100 };

interface World {
  config: Config;
  service: ModelService;
  keys: Keys;
  ledger: UsageLedger;
  folder: string;
  logged: string[];
  clock: VirtualClock;
  /** One step of a new turn, as lines. */
  ask(text?: string): Promise<string[]>;
  metric(series: string): Promise<number>;
}

async function createWorld(budget = "{}", own = "{}"): Promise<World> {
  const folder = join(await createFolder(), "usage");
  const logged: string[] = [];
  const log = pino({ level: "trace" }, { write: (line: string) => void logged.push(line) });
  const price = "cost: { input: 2, output: 10 }";
  const config = mustParse(`{
    agents: { defaults: { model: { primary: "openai/first", fallbacks: ["anthropic/second"] }, budget: ${budget} },
      entries: { ${OWNER.agentId}: { budget: ${own} }, other: {} } },
    models: { providers: {
      openai: { baseUrl: "${mock.url}/v1", models: [{ id: "first", ${price} }] },
      anthropic: { baseUrl: "${mock.url}", models: [{ id: "second", ${price} }] },
    } },
  }`);
  const clock = new VirtualClock();
  const ledger = await UsageLedger.open({ folder, now: () => clock.now(), log });
  const keys = makeKeys(KEYS);
  const registry = new MetricRegistry({ processMetrics: false });
  const call = new SdkCall({ clock, codexBaseUrl: () => "" });
  const parts = { config: () => config, credentials: keys, call, ledger, metrics: new ModelMetrics(registry), clock, chance: () => 0.5 };
  const service = new ModelService(parts);
  const ask = async (text = "hello"): Promise<string[]> => {
    const turn = service.turn(OWNER);
    if (!(turn instanceof ModelTurn)) return [`failed ${turn.failure}: ${turn.message}`];
    const request = toRequest({ messages: [{ role: "user", parts: [{ kind: "text", text }] }] });
    return await read(withoutWaits(clock, turn.step(request, new AbortController().signal)));
  };
  const metric = async (series: string): Promise<number> => {
    const line = (await registry.renderText()).split("\n").find((one) => one.startsWith(`${series} `));
    return Number(line?.split(" ").at(-1) ?? Number.NaN);
  };
  return { config, service, keys, ledger, folder, logged, clock, ask, metric };
}

/** Lets each wait pass as soon as it is announced. */
async function* withoutWaits<Event extends { kind: string }>(clock: VirtualClock, events: AsyncIterable<Event>): AsyncIterable<Event> {
  const iterator = events[Symbol.asyncIterator]();
  for (let next = iterator.next(); ; next = iterator.next()) {
    let isOver = false;
    void next.then(() => {
      isOver = true;
    });
    await clock.settle();
    if (!isOver && clock.timerCount === 1) await clock.advance(60_000);
    const { done, value } = await next;
    if (done === true) return;
    yield value;
  }
}

test("a refused key gives way to the second one, a limited one to the second model, and each is marked as it was", async () => {
  const world = await createWorld();
  const refused = { error: { message: "Incorrect API key provided: sk-first-00000000000000", type: "authentication_error" }, status: 401 };
  mock.on({ model: "first", sequenceIndex: 0 }, refused);
  mock.on(
    { model: "first", sequenceIndex: 1 },
    { error: { message: "Rate limit", type: "rate_limit_error" }, status: 429, retryAfter: 600 },
  );
  mock.on({ model: "second" }, { content: "from the second model", usage: USAGE });
  expect(await world.ask()).toEqual([
    "calling openai/first as openai:one",
    "unauthenticated: next-key in 0 ms",
    "calling openai/first as openai:two",
    "rate-limited: next-model in 0 ms",
    "calling anthropic/second as anthropic:one",
    "text: from the second model",
    "answered end",
  ]);
  expect(world.keys.reports).toEqual(["openai:one refused: Incorrect API key provided: [redacted]", "anthropic:one accepted"]);
  expect(await world.metric('openclaw_gateway_model_calls_total{provider="openai",result="unauthenticated"}')).toBe(1);
  expect(await world.metric('openclaw_gateway_model_calls_total{provider="anthropic",result="answered"}')).toBe(1);
  expect(await world.metric('openclaw_gateway_model_failovers_total{next="model"}')).toBe(1);
});

test("a 429 is waited for as long as its Retry-After says, and the same key then answers", async () => {
  const world = await createWorld();
  mock.on({ model: "first", sequenceIndex: 0 }, { error: { message: "Rate limit", type: "rate_limit_error" }, status: 429, retryAfter: 7 });
  mock.on({ model: "first", sequenceIndex: 1 }, { content: "hi", usage: USAGE });
  expect(await world.ask()).toEqual([
    "calling openai/first as openai:one",
    "rate-limited: retry in 7000 ms",
    "calling openai/first as openai:one",
    "text: hi",
    "answered end",
  ]);
});

test("what a call used is kept by session, agent and day with its price, and counted", async () => {
  const world = await createWorld();
  mock.onMessage("hello", { content: "hi", usage: USAGE });
  await world.ask();
  const again = await UsageLedger.open({ folder: world.folder, now: () => world.clock.now(), log: pino({ level: "silent" }) });
  for (const { totals } of [world.ledger, again]) {
    expect(totals.session(OWNER.sessionKey)).toMatchObject({ calls: 1, input: 1_000, output: 100, usd: 0.003, unpriced: 0, estimated: 0 });
    expect(totals.agentDay("main", "2026-01-31").calls).toBe(1);
  }
  expect(await world.metric('openclaw_gateway_model_tokens_total{kind="input"}')).toBe(1_000);
  expect(await world.metric("openclaw_gateway_model_cost_dollars_total")).toBeCloseTo(0.003);
});

test("a stream that is cut costs what it is estimated to, and is tried again", async () => {
  const world = await createWorld();
  mock.on({ model: "first", sequenceIndex: 0 }, { content: "a ".repeat(200) }, { chunkSize: 20, truncateAfterChunks: 6, latency: 5 });
  mock.on({ model: "first", sequenceIndex: 1 }, { content: "whole", usage: USAGE });
  const lines = await world.ask();
  expect(lines.slice(-4)).toEqual(["cut: retry in 500 ms", "calling openai/first as openai:one", "text: whole", "answered end"]);
  expect(world.ledger.totals.session(OWNER.sessionKey)).toMatchObject({ calls: 2, estimated: 1 });
});

test.each([
  ["session: { tokens: 1000 }", "session", "this session has used 1100 of 1000 tokens"],
  ["agentDay: { usd: 0.003 }", "agentDay", "this agent has used today $0.00 of $0.00"],
  ["day: { tokens: 1100 }", "day", "all agents have used today 1100 of 1100 tokens"],
])("with a budget of %s the next call is not made", async (budget, span, said) => {
  const world = await createWorld(`{ ${budget} }`);
  mock.onMessage("hello", { content: "hi", usage: USAGE });
  expect((await world.ask()).at(-1)).toBe("answered end");
  expect(await world.ask()).toEqual([`failed over-budget: ${said}`]);
  expect(mock.getRequests()).toHaveLength(1);
  expect(await world.metric(`openclaw_gateway_model_budget_refusals_total{span="${span}"}`)).toBe(1);
  if (span !== "session") expect(await world.metric(`openclaw_gateway_model_budget_used_ratio{span="${span}"}`)).toBeGreaterThanOrEqual(1);
});

test("an agent's own limits go before those of all, each by itself, and say where they stand", async () => {
  mock.onMessage("hello", { content: "hi", usage: USAGE });
  const more = await createWorld("{ session: { tokens: 1000 } }", "{ session: { tokens: 5000 } }");
  await more.ask();
  expect((await more.ask()).at(-1)).toBe("answered end");
  const less = await createWorld("{ agentDay: { tokens: 9000, usd: 90 } }", "{ agentDay: { tokens: 1000 } }");
  await less.ask();
  const turn = less.service.turn(OWNER);
  if (!(turn instanceof ModelTurn)) throw new Error(turn.message);
  const events = [];
  for await (const event of turn.step(toRequest({ messages: [] }), new AbortController().signal)) events.push(event);
  const fix = `go on tomorrow (UTC), or raise agents.entries.${OWNER.agentId}.budget.agentDay.tokens`;
  expect(events).toMatchObject([{ kind: "failed", error: { failure: "over-budget", fix } }]);
  expect(await less.metric('openclaw_gateway_model_budget_used_ratio{span="agentDay"}')).toBe(1.1);
  const { limits } = viewUsage({ config: less.config, ledger: less.ledger, now: less.clock.now() }, {});
  expect(limits).toEqual([
    { agentId: null, span: "agentDay", tokens: 9_000, usd: 90, usedShare: 0 },
    { agentId: OWNER.agentId, span: "agentDay", tokens: 1_000, usd: 90, usedShare: 1.1 },
  ]);
});

test("a day's limit is free again the next day, a session's when it begins anew", async () => {
  const world = await createWorld("{ day: { tokens: 1000 }, session: { tokens: 5000 } }");
  mock.onMessage("hello", { content: "hi", usage: USAGE });
  await world.ask();
  expect((await world.ask())[0]).toContain("over-budget");
  world.clock.jump(86_400_000);
  expect((await world.ask()).at(-1)).toBe("answered end");
  await world.ledger.forget(OWNER.sessionKey);
  expect(world.service.spent(OWNER).session.calls).toBe(0);
});

test("an agent without a model, or with one that nobody knows, is told what to do", async () => {
  const world = await createWorld();
  const turnOf = (text: string): unknown =>
    new ModelService({
      ...{ config: () => mustParse(text), credentials: world.keys, call: new SdkCall({ clock: world.clock, codexBaseUrl: () => "" }) },
      ...{
        ledger: world.ledger,
        metrics: new ModelMetrics(new MetricRegistry({ processMetrics: false })),
        clock: world.clock,
        chance: () => 0.5,
      },
    }).turn(OWNER);
  expect(turnOf("{}")).toMatchObject({
    message: "no model is configured for this agent",
    fix: "openclaw onboard sets one up; or: openclaw models set PROVIDER/MODEL",
  });
  expect(turnOf('{ agents: { defaults: { model: "gpt" } } }')).toMatchObject({
    message: `the model "gpt" can't be used: it names no provider`,
  });
});

test("after every kind of failure no key is in a file, a log line, an event or a metric", async () => {
  const world = await createWorld();
  const echo = (status: number) => ({ error: { message: `no: ${JSON.stringify(KEYS)}`, type: "invalid_request_error" }, status });
  for (const [index, status] of [401, 403, 400, 429, 500].entries()) mock.on({ sequenceIndex: index }, echo(status));
  mock.on({ model: "second" }, echo(402));
  const events = JSON.stringify(await world.ask());
  const files = await Promise.all((await readdir(world.folder).catch(() => [])).map((name) => readFile(join(world.folder, name), "utf8")));
  const everything = [events, ...world.logged, ...files, ...world.keys.reports].join("\n");
  expect(events).toContain("no: ");
  for (const { apiKey } of Object.values(KEYS) as { apiKey: string }[]) expect(everything).not.toContain(apiKey);
});
