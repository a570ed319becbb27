// After a day on which everything fails that can, no secret of a model provider is in any file but the store's, nor in anything that was printed, logged or
// answered. The servers here are as bad as some are: they repeat in their errors what they were sent.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { toEpochMs } from "../src/api/brands.ts";
import { createLogTo } from "../src/api/log.ts";
import { writeGatewayUrl } from "../src/api/store/gateway-files.ts";
import { openCredentials } from "../src/gateway/credentials/main.ts";
import { startOAuthServer } from "../src/gateway/credentials/oauth-server.fixture.ts";
import { openSocketServer } from "../src/gateway/ws/sockets.fixture.ts";
import { cli, startCli, until } from "./cli.fixture.ts";
import { freePort } from "./free-port.ts";

const KEYS = ["sk-proj-first0123456789abcdef", "sk-proj-second0123456789abcdef", "setup-token-0123456789abcdef"] as const;
const HOUR_MS = 3_600_000;

/** A provider that refuses everything and says what it was sent. */
async function startEcho(): Promise<string> {
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (text: Buffer) => {
      body += text.toString();
    });
    request.on("end", () => {
      const message = `refused: ${JSON.stringify(request.headers)} ${body}`;
      response
        .writeHead(401, { "content-type": "application/json" })
        .end(JSON.stringify({ error: { message, type: "auth", code: "invalid_api_key" } }));
    });
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${port}/v1`;
}

test("no secret is anywhere but in the store, whatever failed", async () => {
  const gateway = await openSocketServer();
  const { stateDir, ownerKey } = gateway;
  await writeGatewayUrl(stateDir, gateway.url.replace("ws", "http"));
  const server = await startOAuthServer({ redirectUrl: `http://localhost:${await freePort()}/auth/callback` });
  const { issuer, clientId, authorizeUrl, tokenUrl, redirectUrl } = server;
  const echo = await startEcho();
  const providers = { openai: { baseUrl: echo }, anthropic: { baseUrl: echo } };
  const auth = { codex: { issuer, clientId, authorizeUrl, tokenUrl, redirectUrl, baseUrl: echo } };
  writeFileSync(join(stateDir, "openclaw.json"), JSON.stringify({ agents: { list: [{ id: "main" }] }, models: { providers }, auth }), {
    mode: 0o600,
  });
  const said: string[] = [];
  const run = async (words: string, input = ""): Promise<number> => {
    const { code, stdout, stderr } = await cli(words.split(" "), { stateDir, input });
    said.push(stdout, stderr);
    return code;
  };

  // A provider that repeats the key that it refuses.
  expect(await run("onboard --non-interactive --openai-api-key -", KEYS[0])).toBe(1);
  expect(await run("onboard --non-interactive --anthropic-api-key -", KEYS[1])).toBe(1);
  // Keys in the wrong places.
  await run(`onboard --non-interactive --openai-api-key ${KEYS[0]}`);
  await run(`models auth logout ${KEYS[0]} --yes`);
  await run(`models auth ${KEYS[0]}`);
  await run(`models auth list --api-key=${KEYS[0]}`);
  await run(`models auth paste-api-key --provider ${KEYS[1]}`, KEYS[0]);
  await run("models auth paste-api-key --provider openai", `${KEYS[0]} ${KEYS[1]}`);
  const put = async (secret: unknown): Promise<void> => {
    const answer = await gateway.http("/v1/models/auth/openai%3Akey", ownerKey, { method: "PUT", json: { secret } });
    said.push(JSON.stringify(answer));
  };
  await put({ kind: "api-key", apiKey: `${KEYS[0]} ` });
  await put({ kind: "api-key", apiKey: KEYS[0], [KEYS[1]]: true });
  await put(KEYS[0]);
  // What is kept.
  expect(await run("models auth paste-api-key --provider openai --profile-id openai:key", KEYS[0])).toBe(0);
  expect(await run("models auth paste-token --provider anthropic", KEYS[2])).toBe(0);
  // A sign-in: once with a code that is no good, once as it should be, then its refresh is refused with the token repeated.
  const signIn = async (change: (answer: URL) => void): Promise<string> => {
    // The provider of this test answers nothing that could be told from a refusal.
    const login = startCli(["models", "auth", "login", "--no-open", "--no-check"], { stateDir });
    await until("it says where to sign in", () => /https?:\S+\/auth\?\S+/.test(login.noted));
    const answer = await server.browse(/https?:\S+\/auth\?\S+/.exec(login.noted)?.[0] ?? "");
    const code = answer.searchParams.get("code") ?? "";
    change(answer);
    await fetch(answer);
    await login.ended;
    said.push(login.printed, login.noted);
    return code;
  };
  const codes = [await signIn(({ searchParams }) => searchParams.set("code", "code-of-nobody-0123456789")), "code-of-nobody-0123456789"];
  codes.push(await signIn(() => undefined));
  const folder = join(stateDir, "gateway", "credentials");
  const { secret } = JSON.parse(readFileSync(join(folder, "openai%3Adefault.credential.json"), "utf8")).spec;
  server.answerInstead({
    status: 400,
    body: JSON.stringify({ error: "invalid_grant", error_description: `no token=${secret.refreshToken} and ${secret.accessToken.length}` }),
  });
  const log = createLogTo({ level: "trace", say: (text) => text, write: (line) => void said.push(line) });
  const credentials = openCredentials({
    ...{ stateDir, now: () => toEpochMs(Date.now() + HOUR_MS), configured: () => ({ order: {}, profiles: [] }) },
    refused: (profile, because) => log.warn({ profile, because }, "sign-in refused"),
  });
  said.push(JSON.stringify(await credentials.resolve("openai:default", new AbortController().signal)));
  await run("models auth list");
  await run("models auth list --json");
  await run("models status --json");
  await run("config show");

  const secrets = [...KEYS, ...codes, secret.accessToken, secret.refreshToken];
  const output = [...said, ...gateway.logged].join("\n");
  expect(output).toContain("invalid_grant");
  expect(output).toContain("nothing was saved");
  for (const one of secrets) expect(output.includes(one), `printed or logged: ${one}`).toBe(false);
  const files = readdirSync(stateDir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const holding = files.filter(({ parentPath, name }) => secrets.some((one) => readFileSync(join(parentPath, name), "utf8").includes(one)));
  expect(holding.map(({ name }) => decodeURIComponent(name)).sort()).toEqual([
    "anthropic:default.credential.json",
    "openai:default.credential.json",
    "openai:key.credential.json",
  ]);
});
