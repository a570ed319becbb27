// `openclaw mcp` between an agent's MCP client and a gateway's server over a real socket. Sandboxes are played by data; real ones are
// mcp.engine.test.ts.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import { type JSONRPCMessage, LATEST_PROTOCOL_VERSION } from "@modelcontextprotocol/sdk/types.js";
import { expect, onTestFinished, test } from "vitest";
import { McpBridge } from "../src/cli/mcp-bridge.ts";
import { openServer, type Server, TOKEN } from "../src/gateway/http/server.fixture.ts";
import { type GatewayServer, startGatewayServer } from "../src/gateway/http/server.ts";
import { cli } from "./cli.fixture.ts";

async function serve(port = 0): Promise<{ gateway: Server; server: GatewayServer; close(): Promise<void> }> {
  const gateway = await openServer({ config: { agents: { list: [{ id: "main" }, { id: "work" }] } } });
  const server = await startGatewayServer(gateway.app, { host: "127.0.0.1", port });
  let closed: Promise<void> | null = null;
  const close = (): Promise<void> => {
    closed ??= server.close();
    return closed;
  };
  onTestFinished(close);
  return { gateway, server, close };
}

async function connect(port: number, options: BridgeOptions = {}): Promise<{ client: Client; notes: string[] }> {
  const { mine, notes } = await startBridge(port, options);
  const client = new Client({ name: "agent", version: "1" });
  await client.connect(mine);
  return { client, notes };
}

interface BridgeOptions {
  token?: string;
  query?: string;
}

async function startBridge(
  port: number,
  { token = TOKEN, query = "" }: BridgeOptions,
): Promise<{ mine: InMemoryTransport; notes: string[] }> {
  const [mine, its] = InMemoryTransport.createLinkedPair();
  const notes: string[] = [];
  const bridge = new McpBridge({
    agent: its,
    url: new URL(`http://127.0.0.1:${port}/mcp${query}`),
    headers: { authorization: `Bearer ${token}` },
    note: (text) => void notes.push(text),
  });
  await bridge.start();
  onTestFinished(() => bridge.stop());
  return { mine, notes };
}

const call = async (client: Client): Promise<unknown> => (await client.callTool({ name: "exec", arguments: { command: "true" } })).content;

test("an agent's client sees the gateway's tools and calls them for the agent that it names", async () => {
  const { gateway, server } = await serve();
  const { client } = await connect(server.port, { query: "?agent=work" });
  expect(client.getServerVersion()).toMatchObject({ name: "openclaw" });
  expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(["exec"]);
  expect(await call(client)).toEqual([{ type: "text", text: "done" }]);
  expect(gateway.calls.map(({ session }) => session.spec)).toMatchObject([{ agentId: "work", kind: "mcp" }]);
});

test("an agent that says everything at once, as a shell does, is answered as one that waits for the handshake", async () => {
  const { server } = await serve();
  const { mine } = await startBridge(server.port, {});
  const answered = new Promise<JSONRPCMessage>((resolve) => {
    mine.onmessage = (message) => {
      if ("id" in message && message.id === 2) resolve(message);
    };
  });
  await mine.start();
  const params = { protocolVersion: LATEST_PROTOCOL_VERSION, capabilities: {}, clientInfo: { name: "shell", version: "1" } };
  await mine.send({ jsonrpc: "2.0", id: 1, method: "initialize", params });
  await mine.send({ jsonrpc: "2.0", method: "notifications/initialized" });
  await mine.send({ jsonrpc: "2.0", id: 2, method: "tools/list" });
  expect(await answered).toMatchObject({ result: { tools: [{ name: "exec" }] } });
});

test("what was asked before the pipe was closed is answered", async () => {
  const { gateway, server } = await serve();
  const params = { protocolVersion: LATEST_PROTOCOL_VERSION, capabilities: {}, clientInfo: { name: "shell", version: "1" } };
  const messages = [
    { jsonrpc: "2.0", id: 1, method: "initialize", params },
    { jsonrpc: "2.0", method: "notifications/initialized" },
    { jsonrpc: "2.0", id: 2, method: "tools/call", params: { name: "exec", arguments: { command: "true" } } },
  ];
  const input = messages.map((message) => `${JSON.stringify(message)}\n`).join("");
  const args = ["mcp", "--url", `http://127.0.0.1:${server.port}`, "--token", TOKEN];
  const { code, stdout, stderr } = await cli(args, { stateDir: gateway.stateDir, input });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const answers = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(answers).toMatchObject([
    { id: 1, result: { serverInfo: {} } },
    { id: 2, result: { content: [{ text: "done" }] } },
  ]);
});

test("a gateway that was restarted is gone on with in a new session, without the agent's help", async () => {
  const first = await serve();
  const { port } = first.server;
  const { client, notes } = await connect(port);
  await call(client);
  await first.close();
  await expect(call(client)).rejects.toThrow("fetch failed");
  const second = await serve(port);
  const calls = await Promise.all([call(client), call(client), client.listTools()]);
  expect(calls.slice(0, 2)).toEqual([[{ type: "text", text: "done" }], [{ type: "text", text: "done" }]]);
  expect(new Set(second.gateway.calls.map(({ session }) => session.spec.key)).size).toBe(1);
  expect(notes.filter((note) => note.includes("restarted"))).toHaveLength(1);
});

test("a wrong token is told to the agent in words that help", async () => {
  const { server } = await serve();
  await expect(connect(server.port, { token: "wrong" })).rejects.toThrow("the gateway requires its token: set OPENCLAW_GATEWAY_TOKEN");
});

test("without a gateway the command says how to start one, and prints nothing on stdout", async () => {
  const { gateway } = await serve();
  const { code, stdout, stderr } = await cli(["mcp"], { stateDir: gateway.stateDir });
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toContain("start one with: openclaw start");
});
