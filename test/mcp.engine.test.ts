// The MCP endpoint over a real controller and engine: one sandbox for each client, its tools with progress and cancellation, and its end.
// The protocol's own rules are mcp-conformance.test.ts.
import { join } from "node:path";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { CallToolResultSchema, type Progress } from "@modelcontextprotocol/sdk/types.js";
import { expect, onTestFinished, test } from "vitest";
import { docker, until } from "../src/controller/fixtures/docker.fixture.ts";
import { createSite, onDemand, type Site } from "../src/controller/fixtures/site.fixture.ts";
import { type GatewayProcess, spawnBoth, spawnGateway } from "./gateway.fixture.ts";
import { run } from "./run-program.ts";

const PROGRAM = join(import.meta.dirname, "..", "src", "cli", "main.ts");
const INSPECTOR = join(
  import.meta.dirname,
  "..",
  "node_modules",
  "@modelcontextprotocol",
  "inspector",
  "clients",
  "launcher",
  "build",
  "index.js",
);

async function start(config: object = onDemand()): Promise<{ site: Site; gateway: GatewayProcess }> {
  const site = await createSite();
  await site.writeConfig(config);
  return { site, gateway: await spawnBoth(site) };
}

async function connect({ url, token }: GatewayProcess): Promise<{ client: Client; transport: StreamableHTTPClientTransport }> {
  const client = new Client({ name: "test", version: "1" });
  const requestInit = { headers: { authorization: `Bearer ${token}` } };
  const transport = new StreamableHTTPClientTransport(new URL(`${url}/mcp`), { requestInit });
  await client.connect(transport as Transport);
  onTestFinished(() => client.close());
  return { client, transport };
}

interface CallOptions {
  signal?: AbortSignal;
  onprogress?: (progress: Progress) => void;
}

async function say(client: Client, name: string, input: Record<string, unknown>, options: CallOptions = {}): Promise<string> {
  const { content, isError } = await client
    .callTool({ name, arguments: input }, CallToolResultSchema, options)
    .then((answer) => CallToolResultSchema.parse(answer));
  const text = content.map((part) => (part.type === "text" ? part.text : part.type)).join("");
  return isError === true ? `error: ${text}` : text;
}

test("each MCP client has a sandbox of its own, with the tools that the policy gives it, until it ends", async () => {
  const { site, gateway } = await start({ ...onDemand(), tools: { deny: ["sessions_spawn"] } });
  const first = await connect(gateway);
  const second = await connect(gateway);
  const { tools } = await first.client.listTools();
  expect(tools.map(({ name }) => name)).toEqual([
    ...["exec", "process", "read", "write", "edit", "apply_patch"],
    ...["sessions_list", "sessions_history", "sessions_send", "session_status"],
  ]);
  expect(await site.containers()).toEqual([]);
  expect(await say(first.client, "sessions_spawn", {})).toMatch(
    /^error: Forbidden: .* \(tools\.deny\); remove "sessions_spawn" from tools\.deny$/,
  );
  const metrics = await (await gateway.send("/metrics", { method: "GET" })).text();
  expect(metrics).toContain('openclaw_gateway_policy_denials_total{tool="sessions_spawn"} 1\n');
  expect(await say(first.client, "browser", {})).toMatch(/^error: Forbidden: the tool "browser" /);
  await expect(say(first.client, "telepathy", {})).rejects.toThrow("Unknown tool: telepathy");
  expect(await site.containers()).toEqual([]);

  const heard: string[] = [];
  const onprogress = ({ message }: Progress): void => void heard.push(message ?? "");
  expect(await say(first.client, "write", { path: "mine", content: "secret" }, { onprogress })).toBe("created mine (6 bytes)");
  // How the sandbox came up, and that the tool started in it, as far as it was told apart in time.
  expect(heard.join("\n")).toMatch(/^([A-Z][A-Za-z]+: .+|started in openclaw-sbx-agent-main-mcp-.+)$/m);
  expect(await say(first.client, "exec", { command: "cat mine; hostname >/dev/null; id -u >/dev/null" })).toBe("secret");
  expect(await say(second.client, "read", { path: "mine" })).toMatch(/^error: NotFound: "mine" is not there/);
  expect(await site.containers()).toHaveLength(2);
  expect(await say(first.client, "sessions_list", {})).toMatch(/^agent:main:mcp:[0-9a-f-]+ {2}mcp, sandboxed/);
  expect((await say(first.client, "sessions_list", {})).split("\n")).toHaveLength(1);

  await first.transport.terminateSession();
  await second.transport.terminateSession();
  await site.goes("their clients have ended");
  expect((await gateway.ask("/v1/sessions")).body).toEqual({ items: [] });
});

test("a call that its client takes back is killed inside with all that it started", async () => {
  const { site, gateway } = await start();
  const { client } = await connect(gateway);
  expect(await say(client, "exec", { command: "true" })).toBe("(no output)");
  const [container = ""] = await site.containers();
  const taken = new AbortController();
  const call = say(client, "exec", { command: "sleep 61 & sleep 61; touch proof" }, { signal: taken.signal });
  const sleepers = async (): Promise<number> =>
    (await docker("top", container, "-eo", "pid,args")).split("\n").filter((line) => line.endsWith("sleep 61")).length;
  await until("it runs", async () => (await sleepers()) === 2);
  taken.abort("no longer wanted");
  await expect(call).rejects.toThrow("no longer wanted");
  await until("nothing of it runs any more", async () => (await sleepers()) === 0);
  expect(await say(client, "exec", { command: "ls" })).toBe("(no output)");
});

test("sessions that a killed gateway left are ended by the next one, with their sandboxes", async () => {
  const { site, gateway } = await start();
  const { client } = await connect(gateway);
  await say(client, "exec", { command: "true" });
  expect(await site.containers()).toHaveLength(1);
  await gateway.crash();
  const next = await spawnGateway(site);
  expect((await next.ask("/v1/sessions")).body).toEqual({ items: [] });
  await site.goes("its client can't come back");
});

test("an agent that starts `openclaw mcp` has a sandbox until it closes the pipe", async () => {
  const { site } = await start();
  const args = [PROGRAM, "mcp", "--state-dir", site.stateDir];
  const client = new Client({ name: "test", version: "1" });
  onTestFinished(() => client.close());
  await client.connect(new StdioClientTransport({ command: process.execPath, args, stderr: "ignore" }) as Transport);
  expect(await say(client, "exec", { command: "echo from inside" })).toBe("from inside\n");
  expect(await site.containers()).toHaveLength(1);
  await client.close();
  await site.goes("its agent has ended");
});

test("the MCP inspector lists and calls the tools", async () => {
  const { site, gateway } = await start();
  const inspect = async (...args: string[]): Promise<unknown> => {
    const target = ["--cli", `${gateway.url}/mcp`, "--transport", "http", "--header", `Authorization: Bearer ${gateway.token}`];
    const env = { PATH: process.env.PATH ?? "", HOME: site.stateDir };
    const { code, stdout, stderr } = await run(process.execPath, [INSPECTOR, ...target, ...args], { cwd: site.stateDir, env });
    expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
    return JSON.parse(stdout);
  };
  expect(await inspect("--method", "tools/list")).toMatchObject({
    tools: expect.arrayContaining([expect.objectContaining({ name: "apply_patch" })]),
  });
  const call = ["--method", "tools/call", "--tool-name", "exec", "--tool-arg", "command=echo from inside"];
  expect(await inspect(...call)).toMatchObject({
    content: [{ type: "text", text: "from inside\n" }],
    structuredContent: { code: 0, reason: "exited" },
    isError: false,
  });
});
