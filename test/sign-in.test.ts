// A person signs in to OpenAI at the command line, against a real authorization server: the browser brings the answer, or the person pastes it.
// What strangers do to the callback is src/cli/sign-in/callback-server.test.ts's; refreshing is src/gateway/credentials/'s.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LLMock } from "@copilotkit/aimock";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { createFolder } from "../src/api/store/folder.fixture.ts";
import { EMAIL, type OAuthTestServer } from "../src/gateway/credentials/oauth-peer.fixture.ts";
import { startOAuthServer } from "../src/gateway/credentials/oauth-server.fixture.ts";
import { type CliRun, cli, startCli, until } from "./cli.fixture.ts";
import { freePort } from "./free-port.ts";
import { hasPty, NO_PTY, openTerminal, type Terminal } from "./pty.fixture.ts";

const mock = new LLMock({ port: 0, host: "127.0.0.1", logLevel: "silent" });
beforeAll(() => mock.start());
afterAll(() => mock.stop());
beforeEach(() => {
  mock.reset();
  mock.on({ userMessage: "OK" }, { content: "OK" });
});

interface World {
  stateDir: string;
  server: OAuthTestServer;
  login(options?: { terminal?: boolean; env?: Record<string, string>; more?: readonly string[] }): Promise<{ run: CliRun; answer: URL }>;
  /** What is kept of the sign-in. null: nothing. */
  kept(): { accessToken: string; refreshToken: string; email: string } | null;
}

async function open(): Promise<World> {
  const stateDir = await createFolder();
  const server = await startOAuthServer({ redirectUrl: `http://localhost:${await freePort()}/auth/callback` });
  const { issuer, clientId, authorizeUrl, tokenUrl, redirectUrl } = server;
  const config = {
    agents: { list: [{ id: "main" }] },
    auth: { codex: { issuer, clientId, authorizeUrl, tokenUrl, redirectUrl, baseUrl: `${mock.url}/v1` } },
  };
  writeFileSync(join(stateDir, "openclaw.json"), JSON.stringify(config), { mode: 0o600 });
  const login: World["login"] = async ({ terminal = true, env = {}, more = [] } = {}) => {
    const run = startCli(["models", "auth", "login", "--provider", "openai", "--no-open", ...more], { stateDir, terminal, env });
    await until("it says where to sign in", () => /https?:\S+\/auth\?\S+/.test(run.noted));
    const answer = await server.browse(/https?:\S+\/auth\?\S+/.exec(run.noted)?.[0] ?? "");
    return { run, answer };
  };
  const path = join(stateDir, "gateway", "credentials", "openai%3Adefault.credential.json");
  const kept = (): ReturnType<World["kept"]> => {
    const isThere = readdirSync(stateDir, { recursive: true }).some((name) => String(name).endsWith("default.credential.json"));
    return isThere ? JSON.parse(readFileSync(path, "utf8")).spec.secret : null;
  };
  return { stateDir, server, login, kept };
}

/** Nothing of a sign-in is in what the command said. */
function expectSilent({ kept }: World, run: CliRun, answer: URL): void {
  const secrets = [answer.searchParams.get("code"), kept()?.accessToken, kept()?.refreshToken].filter(
    (one) => one !== undefined && one !== null,
  );
  for (const secret of secrets) expect(run.printed + run.noted).not.toContain(secret);
}

test("the browser brings the answer: it is exchanged, kept, and nothing of it is shown", async () => {
  const world = await open();
  const { run, answer } = await world.login();
  const page = await fetch(answer);
  expect([page.status, await page.text()]).toEqual([200, expect.stringContaining("Go back to the terminal")]);
  expect(await run.ended).toBe(0);
  expect(run.printed).toContain(`openai:default is kept, for ${EMAIL}`);
  expect(world.kept()).toMatchObject({ email: EMAIL });
  expect(world.server.granted("authorization_code")).toBe(1);
  expectSilent(world, run, answer);
  // The port is free again.
  await expect(fetch(answer)).rejects.toThrow();
});

test.each([
  ["the whole address", (answer: URL) => answer.href],
  ["its query", ({ search }: URL) => search.slice(1)],
  ["the code alone", ({ searchParams }: URL) => searchParams.get("code") ?? ""],
])("pasting %s at the terminal does too, at once and unseen; the container's hint is there", async (_, toPasted) => {
  const world = await open();
  const { run, answer } = await world.login({ env: { OPENCLAW_CLI_COMMAND: "docker compose run --rm openclaw-cli" } });
  expect(run.noted).toContain("paste it here");
  await until("it asks", () => run.noted.includes("Waiting for the browser"));
  run.stdin.write(`${toPasted(answer)}\r`);
  expect(await run.ended).toBe(0);
  expect(world.kept()).toMatchObject({ email: EMAIL });
  expectSilent(world, run, answer);
});

test("as a process at a real terminal a person pastes the address, which is not shown, and Ctrl-C leaves what was there", async (context) => {
  if (!hasPty()) return context.skip(NO_PTY);
  const world = await open();
  const words = ["models", "auth", "login", "--provider", "openai", "--no-open"];
  const env = { OPENCLAW_STATE_DIR: world.stateDir, COLUMNS: "400" };
  const terminal = openTerminal(words, env);
  const addressOf = ({ shown }: Terminal): string => /https?:\S+\/auth\?\S+/.exec(shown)?.[0] ?? "";
  await until("it asks", () => terminal.shown.includes("Waiting for the browser") && addressOf(terminal) !== "");
  const answer = await world.server.browse(addressOf(terminal));
  terminal.type(`${answer.href}\r`);
  expect(await terminal.ended).toBe(0);
  expect(terminal.shown).toContain(`openai:default is kept, for ${EMAIL}`);
  const before = world.kept();
  for (const secret of [answer.searchParams.get("code"), before?.accessToken, before?.refreshToken])
    expect(terminal.shown).not.toContain(secret ?? "nothing");
  const second = openTerminal(words, env);
  await until("it asks again", () => second.shown.includes("Waiting for the browser"));
  second.type("\u0003");
  expect(await second.ended).toBe(1);
  expect(second.shown).toContain("nothing was changed");
  expect(world.kept()).toEqual(before);
}, 60_000);

test("the answer of another sign-in is refused and asked for again; the right one still counts", async () => {
  const world = await open();
  const { run, answer } = await world.login();
  const other = new URL(answer);
  other.searchParams.set("state", "f".repeat(32));
  expect((await fetch(other)).status).toBe(400);
  await until("it asks", () => run.noted.includes("Waiting for the browser"));
  run.stdin.write(`${other}\r`);
  await until("it refuses", () => run.noted.includes("answer to another sign-in"));
  expect(world.server.asked).toBe(0);
  expect((await fetch(answer)).status).toBe(200);
  expect(await run.ended).toBe(0);
});

test("a code that was used, and a person who says no, keep nothing and leave what worked", async () => {
  const world = await open();
  const first = await world.login();
  await fetch(first.answer);
  expect(await first.run.ended).toBe(0);
  const before = world.kept();
  const second = await world.login();
  const used = new URL(second.answer);
  used.searchParams.set("code", first.answer.searchParams.get("code") ?? "");
  await fetch(used);
  expect(await second.run.ended).toBe(1);
  expect(second.run.noted).toContain("invalid_grant");
  const third = await world.login();
  const denied = new URL(third.answer);
  denied.searchParams.delete("code");
  denied.searchParams.set("error", "access_denied");
  await fetch(denied);
  expect(await third.run.ended).toBe(1);
  expect(third.run.noted).toContain("access_denied");
  expect(world.kept()).toEqual(before);
  for (const { run, answer } of [second, third]) expectSilent(world, run, answer);
});

test("a sign-in with which no model answers is not kept, in place of nothing or of what works; --no-check keeps it", async () => {
  const world = await open();
  mock.reset();
  mock.on({ userMessage: "OK" }, { error: { message: "no such plan", type: "invalid_request_error" }, status: 403 });
  const first = await world.login();
  await fetch(first.answer);
  expect(await first.run.ended).not.toBe(0);
  expect(first.run.noted).toMatch(/signed in, and openai\/gpt-\S+ did not answer: .*no such plan.*; nothing was changed/);
  expect([first.run.printed, world.kept()]).toEqual([expect.not.stringContaining("is kept"), null]);
  const unchecked = await world.login({ more: ["--no-check"] });
  await fetch(unchecked.answer);
  expect(await unchecked.run.ended).toBe(0);
  const before = world.kept();
  expect(before).toMatchObject({ email: EMAIL });
  const second = await world.login();
  await fetch(second.answer);
  expect(await second.run.ended).not.toBe(0);
  expect(world.kept()).toEqual(before);
  expectSilent(world, second.run, second.answer);
});

test("without a terminal the address is read from stdin, a line each; what is none is said", async () => {
  const world = await open();
  const { run, answer } = await world.login({ terminal: false });
  run.stdin.write("what is this\n");
  await until("it refuses", () => run.noted.includes("that is not the address"));
  run.stdin.end(`${answer}\n`);
  expect(await run.ended).toBe(0);
  expect(world.kept()).toMatchObject({ email: EMAIL });
  expectSilent(world, run, answer);
});

test("with nothing on stdin the browser still may bring it; where another program has the port, it is said", async () => {
  const world = await open();
  const first = await world.login({ terminal: false });
  first.run.stdin.end();
  const second = await world.login();
  expect(second.run.noted).toContain("is taken by another program");
  const third = await cli(["models", "auth", "login", "--no-open"], { stateDir: world.stateDir });
  expect(third).toMatchObject({ code: 2, stderr: expect.stringContaining("no way for the answer") });
  second.run.stdin.write("\u0003");
  expect(await second.run.ended).toBe(1);
  await fetch(first.answer);
  expect(await first.run.ended).toBe(0);
});

test.each([
  ["Ctrl-C", "\u0003"],
  ["Ctrl-D", "\u0004"],
])("%s leaves everything as it was, and the port free", async (_, key) => {
  const world = await open();
  const { run, answer } = await world.login();
  await until("it asks", () => run.noted.includes("Waiting for the browser"));
  run.stdin.write(key);
  expect(await run.ended).toBe(1);
  expect(run.noted).toContain("nothing was changed");
  await expect(fetch(answer)).rejects.toThrow();
  expect(world.kept()).toBeNull();
});
