// `openclaw models auth` as a person types it: against a gateway's real API, without one, at a terminal and through a pipe. No secret is ever printed.
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from "node:fs";
import { chown } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createFolder } from "../src/api/store/folder.fixture.ts";
import { findOwnerKey, writeGatewayUrl } from "../src/api/store/gateway-files.ts";
import { openSocketServer } from "../src/gateway/ws/sockets.fixture.ts";
import { type CliResult, cli, startCli, until } from "./cli.fixture.ts";

const KEY = "sk-proj-0123456789abcdefABCDEF";

interface World {
  stateDir: string;
  auth(words: string, input?: string): Promise<CliResult>;
  read(profile: string): string;
}

function at(stateDir: string): World {
  return {
    stateDir,
    auth: async (words, input = "") => await cli(["models", "auth", ...words.split(" ")], { stateDir, input }),
    read: (profile) => readFileSync(join(stateDir, "gateway", "credentials", `${encodeURIComponent(profile)}.credential.json`), "utf8"),
  };
}

async function withGateway() {
  const server = await openSocketServer();
  await writeGatewayUrl(server.stateDir, server.url.replace("ws", "http"));
  return { ...at(server.stateDir), server };
}

test("without a gateway, keys are kept, listed, ordered and forgotten; none is printed", async () => {
  const world = at(await createFolder());
  const outputs = [
    await world.auth("list"),
    await world.auth("paste-api-key --provider openai", `${KEY}\n`),
    await world.auth("paste-token --provider anthropic --expires-in 1h --json", "setup-token-of-the-test"),
    await world.auth("paste-api-key --provider openai --profile-id openai:work", `  ${KEY}2 `),
    await world.auth("list"),
    await world.auth("list --provider OpenAI-Codex --json"),
    await world.auth("order set --provider openai openai-codex:work openai:default"),
    await world.auth("order get --provider openai"),
    await world.auth("order clear --provider openai"),
    await world.auth("order get --provider openai --json"),
  ];
  expect(outputs.map(({ code }) => code)).toEqual(outputs.map(() => 0));
  expect(outputs[0]?.stdout).toContain("models auth login --provider openai");
  expect(JSON.parse(outputs[2]?.stdout ?? "")).toMatchObject({ id: "anthropic:default", kind: "token", state: "expiring" });
  expect(outputs[4]?.stdout).toMatch(
    /anthropic:default +token +expiring .*\nopenai:default +api-key +ready .*\nopenai:work +api-key +ready /,
  );
  expect(JSON.parse(outputs[5]?.stdout ?? "").items).toHaveLength(2);
  expect(outputs[7]?.stdout).toBe("openai:work\nopenai:default\n");
  expect(JSON.parse(outputs[9]?.stdout ?? "")).toEqual({ provider: "openai", order: [] });
  expect(JSON.parse(world.read("openai:work")).spec.secret.apiKey).toBe(`${KEY}2`);
  for (const { stdout, stderr } of outputs) expect(stdout + stderr).not.toMatch(/sk-proj|setup-token-of/);
  expect(await world.auth("logout openai:work")).toMatchObject({ code: 2, stderr: expect.stringContaining("--yes") });
  expect(await world.auth("logout openai:work --yes")).toMatchObject({ code: 0 });
  expect(await world.auth("logout openai:work --yes")).toMatchObject({ code: 3 });
  expect((await world.auth("list")).stdout).not.toContain("openai:work");
});

test("a running gateway is handed the secret by the owner's key, uses it at once, and writes down who did what, not what it was", async () => {
  const world = await withGateway();
  expect(await world.auth("paste-api-key --provider openai", KEY)).toMatchObject({ code: 0 });
  expect(JSON.parse(world.read("openai:default")).spec.secret.apiKey).toBe(KEY);
  expect((await world.auth("list")).stdout).toMatch(/openai:default +api-key +ready/);
  expect(await world.auth("order set --provider openai openai:default")).toMatchObject({ code: 0 });
  expect(await world.auth("logout openai:default --yes")).toMatchObject({ code: 0 });
  const log = world.server.logged.join("\n");
  for (const action of ["credential changed", "credential order changed", "credential removed"]) expect(log).toContain(action);
  expect(log).toContain("openai:default");
  expect(log).not.toContain(KEY);
});

test("neither the gateway's token nor a wrong key gets at secrets, nor is a secret sent to an address that was typed", async () => {
  const world = await withGateway();
  await world.auth("paste-api-key --provider openai", KEY);
  const secret = { kind: "api-key", apiKey: `${KEY}-other` };
  for (const [path, method, json] of [
    ["/v1/models/auth", "GET", undefined],
    ["/v1/models/auth/openai%3Adefault", "PUT", { secret }],
    ["/v1/models/auth/openai%3Adefault", "DELETE", undefined],
    ["/v1/models/auth-order/openai", "PUT", { order: [] }],
  ] as const) {
    const answer = await world.server.ask(path, { method, json });
    expect(answer.status, path).toBe(403);
    expect(await answer.text(), path).not.toContain(KEY);
  }
  const url = world.server.url.replace("ws", "http");
  expect(await world.auth(`paste-api-key --provider openai --url ${url}`, KEY)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("--url needs --token"),
  });
  expect(await world.auth(`paste-api-key --provider openai --url ${url} --token wrong-key-0123456789`, KEY)).toMatchObject({ code: 1 });
  expect(JSON.parse(world.read("openai:default")).spec.secret.apiKey).toBe(KEY);
});

test("a body that is no secret is refused in words that repeat nothing of it", async () => {
  const world = await withGateway();
  const owner = await findOwnerKey(world.stateDir);
  for (const secret of [
    KEY,
    { kind: "api-key", apiKey: `${KEY} ${KEY}` },
    { kind: "api-key", key: KEY },
    { kind: KEY },
    { kind: "token", token: [KEY] },
  ]) {
    const answer = await world.server.ask("/v1/models/auth/openai%3Adefault", {
      method: "PUT",
      json: { secret },
      headers: { authorization: `Bearer ${owner}` },
    });
    expect(answer.status).toBe(400);
    expect(await answer.text()).not.toContain("0123456789abcdef");
  }
  expect(world.server.logged.join("")).not.toContain("0123456789abcdef");
});

test("a gateway that ended leaves an address: the secret is written to the folder then", async () => {
  const world = at(await createFolder());
  await writeGatewayUrl(world.stateDir, "http://127.0.0.1:9").catch(() => undefined);
  expect(await world.auth("paste-api-key --provider groq", KEY)).toMatchObject({ code: 0 });
  expect(JSON.parse(world.read("groq:default")).spec.secret.apiKey).toBe(KEY);
});

test("at a terminal the key is typed unseen; Ctrl-C changes nothing", async () => {
  const stateDir = await createFolder();
  const run = startCli(["models", "auth", "paste-api-key", "--provider", "openai"], { stateDir, terminal: true });
  await until("it asks", () => run.noted.includes("API key of openai"));
  run.stdin.write(`${KEY}\r`);
  expect(await run.ended).toBe(0);
  expect(run.noted + run.printed).not.toMatch(/sk-proj|0123456789/);
  const left = startCli(["models", "auth", "paste-api-key", "--provider", "groq"], { stateDir, terminal: true });
  await until("it asks", () => left.noted.includes("API key of groq"));
  left.stdin.write("\u0003");
  expect(await left.ended).toBe(1);
  expect(readdirSync(join(stateDir, "gateway", "credentials")).join()).not.toContain("groq");
});

test("a key does not silently take the place of a sign-in, and mistakes are said without repeating what was typed", async () => {
  const world = at(await createFolder());
  await world.auth("paste-token --provider openai", "token-of-the-test");
  expect(await world.auth("paste-api-key --provider openai", KEY)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("openai:api-key"),
  });
  expect(await world.auth("paste-api-key --provider openai --profile-id openai:api-key", KEY)).toMatchObject({ code: 0 });
  for (const words of [
    "paste-api-key",
    "paste-api-key --provider",
    `paste-api-key --provider ${KEY.repeat(4)}`,
    "paste-api-key --provider openai --profile-id anthropic:x",
    `logout ${KEY} --yes`,
    `order set --provider openai ${KEY}`,
    "login --provider anthropic",
  ]) {
    const { code, stderr } = await world.auth(words, KEY);
    expect(code, words).toBe(2);
    expect(stderr, words).not.toContain("0123456789abcdef");
  }
  for (const input of ["", "  \n", `${KEY} and more`, "é", "x".repeat(20_000), "y".repeat(100_000)])
    expect(await world.auth("paste-api-key --provider mistral", input), input.slice(0, 9)).toMatchObject({ code: 2 });
});

test("root's command writes as the user whose folder it is, and follows no link of that user's", async ({ skip }) => {
  skip(process.getuid?.() !== 0, "only root becomes another user");
  const world = at(await createFolder());
  await chown(world.stateDir, 4_321, 4_322);
  expect(await world.auth("paste-api-key --provider openai", KEY)).toMatchObject({ code: 0 });
  for (const path of [
    "gateway",
    "gateway/credentials",
    "gateway/credentials/openai%3Adefault.credential.json",
    "gateway/credentials/openai%3Adefault.lock",
  ])
    expect(statSync(join(world.stateDir, path)), path).toMatchObject({ uid: 4_321, gid: 4_322 });
  expect(process.geteuid?.()).toBe(0);
  // A folder of root's that the user points to.
  const roots = await createFolder();
  const trap = at(await createFolder());
  mkdirSync(join(trap.stateDir, "gateway"));
  symlinkSync(roots, join(trap.stateDir, "gateway", "credentials"));
  await chown(trap.stateDir, 4_321, 4_322);
  await chown(join(trap.stateDir, "gateway"), 4_321, 4_322);
  expect(await trap.auth("paste-api-key --provider openai", KEY)).toMatchObject({ code: 1 });
  expect(readdirSync(roots)).toEqual([]);
});
