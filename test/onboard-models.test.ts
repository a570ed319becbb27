// Onboarding asks for a model provider, lets it answer once, and only then saves anything: with each choice, by flags and at a terminal, against real servers.
// The other questions are onboard.test.ts's; signing in itself is sign-in.test.ts's.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LLMock } from "@copilotkit/aimock";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { createFolder } from "../src/api/store/folder.fixture.ts";
import { startOAuthServer } from "../src/gateway/credentials/oauth-server.fixture.ts";
import { type CliResult, type CliRun, cli, startCli, until } from "./cli.fixture.ts";
import { freePort } from "./free-port.ts";

const KEY = "sk-proj-0123456789abcdefABCDEF";
const mock = new LLMock({ port: 0, host: "127.0.0.1", logLevel: "silent" });
beforeAll(() => mock.start());
afterAll(() => mock.stop());
beforeEach(() => {
  mock.reset();
  mock.on({ userMessage: "OK" }, { content: "OK" });
});

interface World {
  stateDir: string;
  onboard(flags: string[], input?: string): Promise<CliResult>;
  config(): Record<string, never>;
  /** Text of the config. null: there is none. */
  text(): string | null;
  secrets(): string[];
}

/** @param providers what the config says of known ones: where their servers are */
async function open(more: object = {}): Promise<World> {
  const stateDir = await createFolder();
  const path = join(stateDir, "openclaw.json");
  if (Object.keys(more).length > 0) writeFileSync(path, JSON.stringify({ agents: { list: [{ id: "main" }] }, ...more }), { mode: 0o600 });
  const folder = join(stateDir, "gateway", "credentials");
  return {
    stateDir,
    onboard: async (flags, input = "") => await cli(["onboard", "--non-interactive", ...flags], { stateDir, input }),
    config: () => JSON.parse(readFileSync(path, "utf8").replaceAll(/^ *\/\/.*$/gm, "")),
    text: () => (existsSync(path) ? readFileSync(path, "utf8") : null),
    secrets: () =>
      existsSync(folder)
        ? readdirSync(folder)
            .filter((name) => name.endsWith(".credential.json"))
            .map(decodeURIComponent)
        : [],
  };
}

const read = async (stateDir: string, path: string): Promise<unknown> =>
  JSON.parse((await cli(["config", "get", path, "--json"], { stateDir })).stdout || "null");
const known = () => ({
  models: { providers: { openai: { baseUrl: `${mock.url}/v1` }, anthropic: { baseUrl: mock.url } } },
});

test.each([
  ["--openai-api-key", "openai", "openai/gpt-"],
  ["--anthropic-api-key", "anthropic", "anthropic/claude-"],
])("%s - reads the key from stdin, and keeps it once the model answered", async (flag, provider, model) => {
  const world = await open(known());
  const { code, stdout, stderr } = await world.onboard([flag, "-"], `${KEY}\n`);
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining("answered in") });
  expect(world.secrets()).toEqual([`${provider}:default.credential.json`]);
  expect(await read(world.stateDir, "agents.defaults.model")).toEqual(expect.stringContaining(model));
  expect(mock.getRequests()).toHaveLength(1);
  expect(stdout + stderr + world.text()).not.toContain(KEY);
});

test("where the place names a gateway that was never started yet, as Compose does, the key is kept in the folder", async () => {
  const world = await open(known());
  const args = ["onboard", "--non-interactive", "--openai-api-key", "-"];
  const env = { OPENCLAW_GATEWAY_URL: "http://127.0.0.1:1" };
  const { code, stderr } = await cli(args, { stateDir: world.stateDir, env, input: `${KEY}\n` });
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining("answered in") });
  expect(world.secrets()).toEqual(["openai:default.credential.json"]);
});

test("an OpenAI-compatible URL is a provider of the config, with a key and without, and answers under its name", async () => {
  const world = await open();
  const url = `${mock.url}/v1`;
  const flags = [
    "--auth-choice",
    "custom-api-key",
    "--custom-base-url",
    url,
    "--custom-model-id",
    "llama3:8b",
    "--accept-risk",
    "--skip-health",
  ];
  expect(await world.onboard(flags)).toMatchObject({ code: 0 });
  const { port } = new URL(mock.url);
  const id = `custom-127-0-0-1-${port}`;
  expect(await read(world.stateDir, `models.providers.${id}`)).toEqual({
    baseUrl: url,
    api: "openai-completions",
    models: [{ id: "llama3:8b" }],
  });
  expect(await read(world.stateDir, "agents.defaults.model")).toBe(`${id}/llama3:8b`);
  expect(world.secrets()).toEqual([]);
  const named = [
    "--custom-base-url",
    url,
    "--custom-model-id",
    "m",
    "--custom-provider-id",
    "mine",
    "--custom-compatibility",
    "openai-responses",
  ];
  expect(await world.onboard([...named, "--custom-api-key", "-"], KEY)).toMatchObject({ code: 0 });
  expect(await read(world.stateDir, "models.providers.mine.api")).toBe("openai-responses");
  expect(world.secrets()).toEqual(["mine:default.credential.json"]);
  expect(mock.getRequests().at(-1)?.path).toContain("responses");
  expect((await cli(["config", "validate"], { stateDir: world.stateDir })).code).toBe(0);
  expect(await cli(["models", "status", "--json"], { stateDir: world.stateDir })).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("mine/m"),
  });
});

test.each([
  ["a wrong key", () => mock.nextRequestError(401, { message: "Incorrect API key provided" })],
  ["a model that is not there", () => mock.nextRequestError(404, { message: "no such model" })],
  ["a server that fails", () => mock.nextRequestError(500, { message: "it is broken" })],
])("%s saves nothing: neither a config where there was none, nor in place of what works", async (_, fail) => {
  const world = await open();
  const flags = ["--custom-base-url", `${mock.url}/v1`, "--custom-model-id", "m", "--custom-api-key", "-"];
  fail();
  expect(await world.onboard(flags, KEY)).toMatchObject({ code: 1, stderr: expect.stringMatching(/did not answer: .*nothing was saved/) });
  expect([world.text(), world.secrets()]).toEqual([null, []]);
  expect(await world.onboard(flags, KEY)).toMatchObject({ code: 0 });
  const [before, kept] = [world.text(), world.secrets()];
  fail();
  const other = [...flags.slice(0, 3), "other", ...flags.slice(4)];
  expect(await world.onboard(other, "sk-another-0123456789")).toMatchObject({ code: 1 });
  expect([world.text(), world.secrets()]).toEqual([before, kept]);
});

test("nobody listens: nothing is saved, and in Compose it says what the address means in a container", async () => {
  const world = await open();
  const flags = ["--custom-base-url", `http://127.0.0.1:${await freePort()}/v1`, "--custom-model-id", "m"];
  const env = { OPENCLAW_CLI_COMMAND: "docker compose run --rm openclaw-cli" };
  const { code, stderr } = await cli(["onboard", "--non-interactive", ...flags], { stateDir: world.stateDir, env });
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining("nothing was saved") });
  expect(stderr).toContain("in a container that address is the container itself");
  expect(world.text()).toBeNull();
});

test.each([
  ["a key as an argument", ["--openai-api-key", KEY]],
  ["two choices", ["--openai-api-key", "-", "--auth-choice", "openai-codex"]],
  ["a choice that there is not", ["--auth-choice", KEY]],
  ["a URL with a login", ["--custom-base-url", `http://me:${KEY}@127.0.0.1/v1`, "--custom-model-id", "m"]],
  ["no URL", ["--auth-choice", "custom-api-key", "--custom-model-id", "m"]],
  ["a model of no server", ["--custom-model-id", "m"]],
  ["a model of no provider", ["--model", "m"]],
  ["no model", ["--custom-base-url", "http://127.0.0.1/v1"]],
  [
    "a protocol that is not spoken",
    ["--custom-base-url", "http://127.0.0.1/v1", "--custom-model-id", "m", "--custom-compatibility", "telnet"],
  ],
  ["nothing on stdin", ["--openai-api-key", "-"]],
])("%s is refused before anything is asked or saved, and repeated nowhere", async (_, flags) => {
  const world = await open();
  const { code, stdout, stderr } = await world.onboard(flags);
  expect(code).toBe(2);
  expect(stdout + stderr).not.toContain(KEY);
  expect(world.text()).toBeNull();
  expect(mock.getRequests()).toEqual([]);
});

test("without a word of a model none is asked, and what the config says of it stays", async () => {
  const world = await open({
    agents: { list: [{ id: "main" }], defaults: { model: { primary: "openai/gpt-5", fallbacks: ["anthropic/x"] } } },
    ...known(),
  });
  expect(await world.onboard(["--scope", "session"])).toMatchObject({ code: 0 });
  expect(await read(world.stateDir, "agents.defaults.model")).toEqual({ primary: "openai/gpt-5", fallbacks: ["anthropic/x"] });
  expect(await world.onboard(["--openai-api-key", "-", "--model", "gpt-6"], KEY)).toMatchObject({ code: 0 });
  expect(await read(world.stateDir, "agents.defaults.model")).toEqual({ primary: "openai/gpt-6", fallbacks: ["anthropic/x"] });
});

const [DOWN, ENTER] = ["\u001b[B", "\r"];

async function answerFour(run: CliRun): Promise<(question: string, ...keys: string[]) => Promise<void>> {
  const press = async (question: string, ...keys: string[]): Promise<void> => {
    await until(question, () => (run.printed + run.noted).includes(question));
    for (const key of keys) run.stdin.write(key);
  };
  for (const question of ["run their tools in a sandbox?", "Who shares a sandbox?", "the agent's workspace?", "reach the network?"])
    await press(question, ENTER);
  return press;
}

test("at a terminal a wrong key is said, another one is asked for, and only the one that worked is kept", async () => {
  const world = await open(known());
  const run = startCli(["onboard"], { stateDir: world.stateDir, terminal: true });
  const press = await answerFour(run);
  // The list begins again after its end, where it stands.
  await press("Model provider?", DOWN, DOWN, ENTER);
  await press("◆  Model\n", ENTER);
  mock.nextRequestError(401, { message: "Incorrect API key provided: sk-wrong-0123456789abc" });
  await press("OpenAI API key\n", "sk-wrong-0123456789abc", ENTER);
  await press("Nothing was saved. And now?", DOWN, ENTER);
  await until("it asks for the provider again", () => run.printed.split("Model provider?").length > 3);
  const seen = run.noted.length;
  run.stdin.write(ENTER);
  await until("it asks for the model again", () => run.printed.split("◆  Model\n").length > 2);
  run.stdin.write(ENTER);
  await until("it asks for the key again", () => run.noted.slice(seen).includes("OpenAI API key"));
  run.stdin.write(KEY);
  run.stdin.write(ENTER);
  expect(await run.ended).toBe(0);
  expect(run.printed + run.noted).not.toMatch(/sk-wrong|sk-proj/);
  expect(
    JSON.parse(readFileSync(join(world.stateDir, "gateway/credentials/openai%3Adefault.credential.json"), "utf8")).spec.secret.apiKey,
  ).toBe(KEY);
});

test("OpenAI Codex OAuth at a terminal: signed in by pasting, answered with the sign-in's own token, then kept", async () => {
  const server = await startOAuthServer({ redirectUrl: `http://localhost:${await freePort()}/auth/callback` });
  const { issuer, clientId, authorizeUrl, tokenUrl, redirectUrl } = server;
  const world = await open({ auth: { codex: { issuer, clientId, authorizeUrl, tokenUrl, redirectUrl, baseUrl: `${mock.url}/v1` } } });
  const run = startCli(["onboard"], { stateDir: world.stateDir, terminal: true });
  const press = await answerFour(run);
  await press("Model provider?", DOWN, ENTER);
  await press("◆  Model\n", ENTER);
  await until("it says where to sign in", () => /https?:\S+\/auth\?\S+/.test(run.noted));
  const answer = await server.browse(/https?:\S+\/auth\?\S+/.exec(run.noted)?.[0] ?? "");
  await press("Waiting for the browser", `${answer}`, ENTER);
  expect(await run.ended).toBe(0);
  const { secret } = JSON.parse(readFileSync(join(world.stateDir, "gateway/credentials/openai%3Adefault.credential.json"), "utf8")).spec;
  expect(mock.getRequests().at(-1)?.headers).toMatchObject({ authorization: expect.any(String) });
  expect(run.printed + run.noted).not.toContain(secret.accessToken);
  expect(await read(world.stateDir, "agents.defaults.model")).toMatch(/^openai\/.*codex/);
});

test.each([
  ["later", [ENTER], 0],
  ["Ctrl-C", ["\u0003"], 1],
  ["Ctrl-D", ["\u0004"], 1],
])("%s at the question keeps no model: the config is written with the former, and with the others nothing", async (_, keys, code) => {
  const world = await open();
  const run = startCli(["onboard"], { stateDir: world.stateDir, terminal: true });
  const press = await answerFour(run);
  await press("Model provider?", ...keys);
  expect(await run.ended).toBe(code);
  expect(world.text() === null).toBe(code === 1);
  expect(world.secrets()).toEqual([]);
});
