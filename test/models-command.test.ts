// `openclaw models status, list, set` as a person types them, against a gateway's real API and without one; and what the API says of models and of what they used.
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LLMock } from "@copilotkit/aimock";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { toAgentId, toSessionKey } from "../src/api/brands.ts";
import { createFolder } from "../src/api/store/folder.fixture.ts";
import { openServer, type Server, TOKEN } from "../src/gateway/http/server.fixture.ts";
import { startGatewayServer } from "../src/gateway/http/server.ts";
import { ModelTurn } from "../src/gateway/models/model-turn.ts";
import { type CliResult, cli } from "./cli.fixture.ts";

const mock = new LLMock({ port: 0, host: "127.0.0.1", logLevel: "silent" });
beforeAll(async () => {
  await mock.start();
  mock.onMessage(/hello|OK/, { content: "OK", usage: { prompt_tokens: 900, completion_tokens: 100 } });
});
afterAll(() => mock.stop());

const KEY = "sk-proj-0123456789abcdefABCDEF";
const toConfig = () => ({
  agents: {
    defaults: { model: { primary: "local/good", fallbacks: ["openai/gpt-5.2"] }, budget: { day: { tokens: 2_000 }, session: { usd: 1 } } },
    list: [{ id: "main" }, { id: "work", model: "openai/gpt-5.2" }],
  },
  models: {
    providers: {
      local: {
        ...{ baseUrl: `${mock.url}/v1`, apiKey: KEY, headers: { "X-Team": KEY } },
        models: [{ id: "good", contextWindow: 32_768, cost: { input: 1, output: 2 } }],
      },
    },
  },
});

async function listen(): Promise<{ server: Server; models(...args: string[]): Promise<CliResult> }> {
  const server = await openServer({ config: toConfig() });
  const { port, close } = await startGatewayServer(server.app, { host: "127.0.0.1", port: 0 });
  onTestFinished(close);
  const env = { OPENCLAW_GATEWAY_URL: `http://127.0.0.1:${port}`, OPENCLAW_GATEWAY_TOKEN: TOKEN };
  return { server, models: (...args) => cli(["models", ...args], { stateDir: server.stateDir, env }) };
}

/** One answer in a session of the agent `main`. */
async function answer(server: Server, key: string): Promise<string | undefined> {
  const turn = server.models.service.turn({ sessionKey: toSessionKey(key), agentId: toAgentId("main") });
  if (!(turn instanceof ModelTurn)) return turn.message;
  const messages = [{ role: "user" as const, parts: [{ kind: "text" as const, text: "hello" }] }];
  let last: string | undefined;
  for await (const event of turn.step({ system: "", messages, tools: [], cacheKey: key, thinking: null }, new AbortController().signal))
    last = event.kind;
  return last;
}

test("status says which model answers for which agent, who is signed in, and what was used; no secret is in any answer", async () => {
  const { server, models } = await listen();
  expect(await answer(server, "agent:main:main")).toBe("answered");
  const status = await models();
  expect(status).toMatchObject({ code: 0, stderr: "" });
  expect(status.stdout).toMatch(/^main +local\/good +openai\/gpt-5\.2 +ready$/m);
  expect(status.stdout).toMatch(/^work +openai\/gpt-5\.2 +- +nobody is signed in: openclaw models auth login --provider openai$/m);
  expect(status.stdout).toMatch(/^local +local:config +api-key +ready +-$/m);
  expect(status.stdout).toMatch(/^Used on \d{4}-\d\d-\d\d \(UTC\): 1 call, 900 tokens in, 100 out, \$0\.00$/m);
  expect(status.stdout).toContain("Limit of a day: 2000 tokens, 50 % used");
  const listed = await models("list");
  expect(listed.stdout).toMatch(/^local\/good +main +openai-completions +32768 +text +yes +ready$/m);
  expect(listed.stdout).toMatch(/^openai\/gpt-5\.2 +work, main \(fallback\) +openai-responses +- +- +no +nobody is signed in$/m);
  expect(JSON.parse((await models("list", "--provider", "local", "--json")).stdout).items).toHaveLength(1);
  const shown = [status, listed, await models("status", "--json")].map(({ stdout }) => stdout);
  for (const path of ["/v1/config", "/v1/models", "/v1/usage"]) shown.push(await (await server.ask(path)).text());
  expect(shown.join("\n")).not.toContain(KEY);
  expect(server.logged.join("\n")).not.toContain(KEY);
});

test("a session that is reset begins its usage anew; the day goes on", async () => {
  const { server } = await listen();
  const { key } = (await (await server.ask("/v1/sessions", { json: { key: "main" } })).json()) as { key: string };
  await answer(server, key);
  const usage = async (): Promise<unknown> => await (await server.ask("/v1/usage?days=1")).json();
  expect(await usage()).toMatchObject({ sessions: [{ key, total: { calls: 1, input: 900 } }], days: [{ total: { calls: 1 } }] });
  expect((await server.ask(`/v1/sessions/${key}/reset`, { method: "POST" })).status).toBe(200);
  expect(await usage()).toMatchObject({ sessions: [], days: [{ total: { calls: 1 }, agents: [{ agentId: "main" }] }] });
});

test("--check exits 1 while an agent's model can't be called, 2 while a sign-in is about to end, else 0", async () => {
  const stateDir = await createFolder();
  const run = async (...args: string[]): Promise<CliResult> => await cli(["models", ...args], { stateDir });
  writeFileSync(join(stateDir, "openclaw.json"), '{ agents: { defaults: { model: "groq/kimi" } } }', { mode: 0o600 });
  expect(await run("status", "--check")).toMatchObject({ code: 1, stderr: expect.stringContaining("no gateway is running") });
  await cli(["models", "auth", "paste-token", "--provider", "groq", "--expires-in", "1h"], { stateDir, input: "setup-token-of-the-test" });
  expect((await run("status", "--check")).code).toBe(2);
  await cli(["models", "auth", "paste-api-key", "--provider", "groq", "--profile-id", "groq:key"], { stateDir, input: KEY });
  expect((await run("status", "--check")).code).toBe(0);
  writeFileSync(join(stateDir, "openclaw.json"), "{}", { mode: 0o600 });
  expect((await run("status", "--check")).code).toBe(1);
  expect((await run("status")).stdout).toContain("set one: openclaw models set PROVIDER/MODEL");
});

test("--probe asks each model for a word, and says what came", async () => {
  const stateDir = await createFolder();
  const config = JSON.stringify({ ...toConfig(), agents: { defaults: { model: { primary: "local/good", fallbacks: ["groq/none"] } } } });
  writeFileSync(join(stateDir, "openclaw.json"), config, { mode: 0o600 });
  const result = await cli(["models", "status", "--probe", "--check"], { stateDir });
  expect(result).toMatchObject({ code: 1, stdout: expect.stringMatching(/^local\/good answered in \d+\.\d s$/m) });
  expect(result.stdout).toContain("groq/none: no-credential: nobody is signed in");
  expect(result.stdout + result.stderr).not.toContain(KEY);
});

test("set writes the model alone: comments, order and fallbacks stay", async () => {
  const stateDir = await createFolder();
  const path = join(stateDir, "openclaw.json");
  const text = `{\n  // mine\n  agents: { defaults: { model: { primary: 'openai/a', fallbacks: ["groq/b"] } }, list: [{ id: "main" }, { id: "w" }] }, // end\n}\n`;
  writeFileSync(path, text, { mode: 0o640 });
  const set = async (...args: string[]): Promise<CliResult> => await cli(["models", "set", ...args], { stateDir });
  expect(await set("openai-codex/gpt-5.2")).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("agents.defaults.model.primary is openai/gpt-5.2"),
  });
  expect(readFileSync(path, "utf8")).toBe(text.replace("'openai/a'", '"openai/gpt-5.2"'));
  expect(statSync(path).mode & 0o777).toBe(0o640);
  expect((await set("groq/x", "--agent", "w")).code).toBe(0);
  expect(readFileSync(path, "utf8")).toContain('{ id: "w", model: "groq/x" }');
  expect(await set("groq/x", "--agent", "w")).toMatchObject({ code: 0, stdout: expect.stringContaining("already has that value") });
  const before = readFileSync(path, "utf8");
  expect(await set("gorq/x")).toMatchObject({ code: 2, stderr: expect.stringContaining('the provider "gorq" is not known') });
  expect(await set("gpt")).toMatchObject({ code: 2, stderr: expect.stringContaining("names no provider") });
  expect(await set("groq/x", "--agent", "nobody")).toMatchObject({ code: 3 });
  expect(readFileSync(path, "utf8")).toBe(before);
});
