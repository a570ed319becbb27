import { expect, test } from "vitest";
import { toAgentId } from "../brands.ts";
import { isTarget, keyVariablesOf, listModels, resolveModel } from "../models/resolve.ts";
import { issuesOf, mustParse } from "./config.fixture.ts";
import { GatewayPart, toConfigOfPart, toGatewayPart, toKeptPart, toShownPart } from "./gateway-part.ts";

const PROVIDER = `{ baseUrl: "http://127.0.0.1:8000/v1/", apiKey: "\${LOCAL_KEY}", headers: { "X-Team": "secret-team" },
  models: [{ id: "qwen/qwen3", contextWindow: 32768, maxTokens: 4096, cost: { input: 1, output: 2 } }] }`;
const TEXT = `{
  agents: {
    defaults: { model: { primary: "openai/gpt-5.2", fallbacks: ["local/qwen/qwen3"] }, models: { "local/qwen/qwen3": { alias: "q", params: { temperature: 0.2 } } } },
    list: [{ id: "main" }, { id: "work", model: "q" }, { id: "old", model: { primary: "openai-codex/gpt-5.2" } }],
  },
  models: { providers: { local: ${PROVIDER} } },
  auth: { profiles: { "openai-codex:default": { provider: "openai-codex", mode: "oauth" } }, order: { "openai-codex": ["openai-codex:default"] } },
}`;
const config = () => mustParse(TEXT, { variables: { LOCAL_KEY: "k-1" } });
const namesFor = (agent: string): string[] =>
  listModels(config(), toAgentId(agent)).map((one) => (isTarget(one) ? `${one.provider}/${one.model}` : one.written));

test("an agent has the default model and its fallbacks, or its own model with no fallbacks but its own", () => {
  expect(namesFor("main")).toEqual(["openai/gpt-5.2", "local/qwen/qwen3"]);
  expect(namesFor("work")).toEqual(["local/qwen/qwen3"]);
  expect(namesFor("old")).toEqual(["openai/gpt-5.2"]);
});

test("a reference is split at its first slash, and what the config says of the model is known of it", () => {
  expect(resolveModel(config(), "local/qwen/qwen3")).toMatchObject({
    ...{ provider: "local", model: "qwen/qwen3", api: "openai-completions", baseUrl: "http://127.0.0.1:8000/v1", isSelfHosted: true },
    ...{ contextWindow: 32768, maxTokens: 4096, temperature: 0.2, price: { input: 1, output: 2, cacheRead: null, cacheWrite: null } },
  });
  expect(resolveModel(config(), "anthropic/claude-x")).toMatchObject({
    baseUrl: "https://api.anthropic.com/v1",
    contextWindow: null,
    price: null,
  });
});

test("an Anthropic address is right with and without its version", () => {
  for (const baseUrl of ["https://proxy.example.org", "https://proxy.example.org/v1", "https://proxy.example.org/v1/"]) {
    const own = mustParse(`{ models: { providers: { anthropic: { baseUrl: "${baseUrl}" } } } }`);
    expect(resolveModel(own, "anthropic/x")).toMatchObject({ baseUrl: "https://proxy.example.org/v1" });
  }
});

test("a key in a variable of the gateway's process is found by the name that the config gives", () => {
  const own = mustParse('{ models: { providers: { groq: { apiKey: { source: "env", provider: "default", id: "MY_GROQ" } } } } }');
  expect(keyVariablesOf(own, "groq")).toEqual(["MY_GROQ", "GROQ_API_KEY"]);
});

test("mode replace knows no provider but the config's", () => {
  const own = mustParse(`{ models: { mode: "replace", providers: { local: { baseUrl: "http://127.0.0.1:1/v1" } } } }`);
  expect(isTarget(resolveModel(own, "local/x"))).toBe(true);
  expect(resolveModel(own, "openai/x")).toMatchObject({ message: 'the provider "openai" is not known' });
});

test("openai-codex is openai, in providers, profiles and orders", () => {
  expect(config().auth.profiles).toEqual({ "openai:default": { provider: "openai", mode: "oauth" } });
  expect(config().auth.order).toEqual({ openai: ["openai:default"] });
  expect(config().auth.codex.baseUrl).toBe("https://chatgpt.com/backend-api/codex");
});

test("a gateway that can't read the file gets what the config says of models, and what it keeps on disk has no secret", () => {
  const part = toGatewayPart(config());
  expect(toConfigOfPart(part).models).toEqual(config().models);
  expect(toConfigOfPart(part).auth).toEqual(config().auth);
  for (const safe of [toKeptPart(part), toShownPart(part)]) {
    expect(JSON.stringify(safe)).not.toContain("k-1");
    expect(JSON.stringify(safe)).not.toContain("secret-team");
  }
});

test("what a gateway kept before there were models is a config without any", () => {
  const { models: _models, auth: _auth, agents, ...before } = toGatewayPart(mustParse("{}"));
  const kept: unknown = JSON.parse(JSON.stringify({ ...before, agents: agents.map(({ model: _model, ...agent }) => agent) }));
  expect(toConfigOfPart(toGatewayPart(mustParse("{}"))).models).toEqual(toConfigOfPart(GatewayPart.parse(kept)).models);
});

test("a key that stands in the file itself is a warning, one from a variable is not", () => {
  expect(issuesOf(TEXT, { variables: { LOCAL_KEY: "k-1" } })).toEqual([]);
  expect(
    issuesOf('{ models: { providers: { groq: { apiKey: "gsk_1", headers: { Authorization: "Bearer x", "X-Team": "y" } } } } }'),
  ).toEqual([
    "openclaw.json:1:42: warning: models.providers.groq.apiKey: a secret in the config file (openclaw models auth paste-api-key --provider groq, and remove it here)",
    "openclaw.json:1:77: warning: models.providers.groq.headers.Authorization: a secret in the config file (openclaw models auth paste-api-key --provider groq, and remove it here)",
  ]);
});

test.each([
  [
    '{ agents: { defaults: { model: "opnai/gpt" } } }',
    '"opnai/gpt" is not used: the provider "opnai" is not known (did you mean "openai/gpt"?)',
  ],
  [
    '{ agents: { defaults: { model: "gpt-5.2" } } }',
    '"gpt-5.2" is not used: it names no provider (write "provider/model", such as "openai/gpt-5.2")',
  ],
  [
    '{ models: { providers: { far: { baseUrl: "http://llm.example.org/v1" } } } }',
    "models.providers.far.baseUrl: the key and all that is said can be read on the way (write https)",
  ],
  [
    '{ models: { providers: { g: { baseUrl: "https://g.example.org", api: "google-generative-ai" } } } }',
    '"google-generative-ai" is not spoken here, so the provider is not used (one of openai-completions, openai-responses, anthropic-messages)',
  ],
  [
    '{ agents: { defaults: { model: "openai/x", budget: { day: { usd: 5 } } } } }',
    'does not count "openai/x", whose price is not in the config (add { id: "x", cost: { input, output } } to models.providers.openai.models, or limit tokens)',
  ],
  [
    '{ models: { providers: { groq: { apiKey: { source: "file", provider: "default", id: "value" } } } } }',
    'the id of a secret of source "file" is no absolute path, so there is no key (openclaw models auth paste-api-key --provider groq, and remove it here)',
  ],
  [
    '{ models: { providers: { groq: { apiKey: { source: "exec", provider: "default", id: "vault" } } } } }',
    'a program is run for no key (source "exec"): it would run with all that the gateway may do',
  ],
  [
    '{ models: { providers: { groq: { apiKey: { source: "keychain", provider: "default", id: "k" } } } } }',
    'a secret of source "keychain" is not read here, so there is no key',
  ],
  [
    '{ auth: { order: { openai: ["anthropic:a"] } } }',
    '"anthropic:a" is no profile of "openai", so it has no effect (a profile of its is "openai:NAME")',
  ],
  ['{ models: { providers: { local: { baseURL: "http://127.0.0.1:1" } } } }', 'unknown key; it has no effect (did you mean "baseUrl"?)'],
])("the config %s is good, with a warning", (text, expected) => {
  expect(mustParse(text)).toBeDefined();
  expect(issuesOf(text).join("\n")).toContain(expected);
});

test.each([
  ['{ models: { providers: { far: { baseUrl: "ftp://x" } } } }', "expected an http or https URL"],
  ['{ models: { providers: { far: { baseUrl: "https://me:pw@x.example.org/v1" } } } }', "a URL with a login"],
  ['{ models: { providers: { far: { baseUrl: "https://x.example.org/v1?key=1" } } } }', "expected no query and no fragment"],
  ['{ models: { providers: { far: { headers: { "X-A": "a\\nb: c" } } } } }', "models.providers.far.headers"],
  ['{ models: { providers: { far: { apiKey: "k\u00e4y" } } } }', "models.providers.far.apiKey"],
  ['{ auth: { profiles: { "openai": { provider: "openai", mode: "api_key" } } } }', "expected the id of a profile"],
  ['{ auth: { profiles: { "groq:a": { provider: "openai", mode: "api_key" } } } }', 'the id says another provider than "openai"'],
  [
    '{ auth: { codex: { tokenUrl: "http://auth.example.org/token" } } }',
    "expected an https URL, or http to this machine itself: tokens go there",
  ],
  ["{ agents: { defaults: { budget: { day: { tokens: 0 } } } } }", "agents.defaults.budget.day.tokens"],
  ["{ agents: { defaults: { budget: { week: { tokens: 1 } } } } }", "week"],
  ["{ agents: { defaults: { model: 5 } } }", 'expected "provider/model", or { primary, fallbacks }'],
])("the config %s is refused", (text, expected) => {
  expect(() => mustParse(text)).toThrow(expected);
});
