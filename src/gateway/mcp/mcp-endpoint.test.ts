// Who is a client of the MCP endpoint, and until when. What clients do over real sockets is test/mcp-*.test.ts.
import { randomUUID } from "node:crypto";
import type { Server } from "node:http";
import { createAdaptorServer } from "@hono/node-server";
import { expect, onTestFinished, test, vi } from "vitest";
import { type DurationMs, toAgentId, toDurationMs, toSessionKey } from "../../api/brands.ts";
import { OperationError } from "../../api/errors.ts";
import { listenTcp } from "../../api/listen-tcp.ts";
import type { Session } from "../../api/session.ts";
import type { ToolResult, Tools } from "../tools/tool-port.ts";
import { sessionOf } from "../tools/world.fixture.ts";
import { IDLE_MS_MAX, McpEndpoint } from "./mcp-endpoint.ts";

const DONE: ToolResult = { content: [{ type: "text", text: "done" }], details: {}, isError: false };

interface Opened {
  endpoint: McpEndpoint;
  clock: { now: DurationMs };
  begun: Session[];
  ended: Session[];
  /** The answer's status and its JSON-RPC message, if it has one. */
  send(message: object, session?: string): Promise<{ status: number; session: string; message: Record<string, unknown> }>;
  welcome(): Promise<string>;
}

function open(run: () => Promise<ToolResult> = async () => DONE, refusal: OperationError | null = null): Opened {
  const clock = { now: toDurationMs(1_000_000) };
  const [begun, ended]: [Session[], Session[]] = [[], []];
  const decision = { tool: "exec", allowed: true, rule: "", source: "default", fix: null };
  const tools: Tools = {
    list: async () => [{ name: "exec", description: "runs", inputSchema: { type: "object" }, decision }],
    admit: () => {
      if (refusal !== null) throw refusal;
    },
    call: run,
  };
  const endpoint = new McpEndpoint({
    ...{ tools, newUid: randomUUID, version: "1", say: (text: string) => text, failed: () => undefined, uptime: () => clock.now },
    session: (agentId) => {
      const id = agentId ?? "main";
      const key = toSessionKey(`agent:${id}:mcp:${begun.length}`);
      return {
        planned: { spec: { key, agentId: toAgentId(id), kind: "mcp" } },
        begin: async () => {
          const session = sessionOf(key, "mcp");
          begun.push(session);
          return session;
        },
      };
    },
    endSession: async (session) => void ended.push(session),
  });
  onTestFinished(() => endpoint.stop());
  const send: Opened["send"] = async (message, session) => {
    const headers = {
      accept: "application/json, text/event-stream",
      "content-type": "application/json",
      ...(session !== undefined && { "mcp-session-id": session }),
    };
    const response = await endpoint.handle(new Request("http://127.0.0.1/mcp", { method: "POST", headers, body: JSON.stringify(message) }));
    const text = await response.text();
    const data = /^data: (.+)$/m.exec(text)?.[1] ?? text;
    const parsed: Record<string, unknown> = data === "" ? {} : JSON.parse(data);
    return { status: response.status, session: response.headers.get("mcp-session-id") ?? "", message: parsed };
  };
  const welcome = async (): Promise<string> => {
    const params = { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "test", version: "1" } };
    const { session } = await send({ jsonrpc: "2.0", id: 1, method: "initialize", params });
    await send({ jsonrpc: "2.0", method: "notifications/initialized" }, session);
    return session;
  };
  return { endpoint, clock, begun, ended, send, welcome };
}

const CALL = { jsonrpc: "2.0", id: 2, method: "tools/call", params: { name: "exec", arguments: {} } };
const LIST = { jsonrpc: "2.0", id: 3, method: "tools/list" };
const later = (now: DurationMs, byMs: number): DurationMs => toDurationMs(now + byMs);

test("a client that only looks begins no session; its first call does, and further ones are the same session's", async () => {
  const { send, welcome, begun } = open();
  const session = await welcome();
  expect((await send(LIST, session)).message).toMatchObject({ result: { tools: [{ name: "exec" }] } });
  expect(begun).toEqual([]);
  await Promise.all([send(CALL, session), send({ ...CALL, id: 9 }, session)]);
  expect(begun.map(({ spec }) => spec.kind)).toEqual(["mcp"]);
});

test("a call that the policy refuses begins no session, nor does one of a tool that is not there", async () => {
  const refused = open(undefined, new OperationError("Forbidden", "the tool is off"));
  const answer = await refused.send(CALL, await refused.welcome());
  expect(answer.message).toMatchObject({ result: { isError: true, structuredContent: { code: "Forbidden", retryable: false } } });
  const unknown = open(undefined, new OperationError("NotFound", "there is no such tool"));
  expect((await unknown.send(CALL, await unknown.welcome())).message).toMatchObject({ error: { code: -32602 } });
  expect([refused.begun, unknown.begun]).toEqual([[], []]);
});

test("a client that has been silent for half an hour is let go with its session; one that asked meanwhile is not", async () => {
  const { endpoint, clock, send, welcome, begun, ended } = open();
  const [silent, busy] = [await welcome(), await welcome()];
  await send(CALL, silent);
  clock.now = later(clock.now, IDLE_MS_MAX - 1);
  endpoint.sweep();
  expect(endpoint.count).toBe(2);
  await send(LIST, busy);
  clock.now = later(clock.now, 1);
  endpoint.sweep();
  expect(endpoint.count).toBe(1);
  await vi.waitFor(() => expect(ended).toEqual(begun), { timeout: 15_000 });
  expect((await send(LIST, silent)).status).toBe(404);
  expect((await send(LIST, busy)).status).toBe(200);
});

test("a client whose call runs is not silent, however long it takes, nor is it right after", async () => {
  const running = Promise.withResolvers<ToolResult>();
  const { endpoint, clock, send, welcome, begun } = open(() => running.promise);
  const session = await welcome();
  const call = send(CALL, session);
  await vi.waitFor(() => expect(begun).toHaveLength(1), { timeout: 15_000 });
  clock.now = later(clock.now, 10 * IDLE_MS_MAX);
  endpoint.sweep();
  expect(endpoint.count).toBe(1);
  running.resolve(DONE);
  expect((await call).message).toMatchObject({ result: { content: DONE.content } });
  endpoint.sweep();
  expect(endpoint.count).toBe(1);
  clock.now = later(clock.now, IDLE_MS_MAX);
  endpoint.sweep();
  expect(endpoint.count).toBe(0);
});

test("a client that listens is there, however silent, until its connection is gone", async () => {
  const { endpoint, clock, welcome } = open();
  const server = createAdaptorServer({ fetch: (request) => endpoint.handle(request), overrideGlobalObjects: false });
  const { port, close } = await listenTcp(server as Server, { host: "127.0.0.1", port: 0, fix: "" });
  onTestFinished(close);
  const session = await welcome();
  const gone = new AbortController();
  const headers = { accept: "text/event-stream", "mcp-session-id": session };
  const listening = await fetch(`http://127.0.0.1:${port}/mcp`, { headers, signal: gone.signal });
  expect(listening.status).toBe(200);
  clock.now = later(clock.now, 10 * IDLE_MS_MAX);
  endpoint.sweep();
  expect(endpoint.count).toBe(1);
  gone.abort();
  await vi.waitFor(() => {
    clock.now = later(clock.now, IDLE_MS_MAX);
    endpoint.sweep();
    expect(endpoint.count).toBe(0);
  });
});

test("who names no session, or somebody else's that is gone, is told so in the protocol's words", async () => {
  const { endpoint, send } = open();
  expect(await send(LIST, randomUUID())).toMatchObject({ status: 404, message: { error: { code: -32001 } } });
  expect((await send(LIST)).status).toBe(400);
  expect((await endpoint.handle(new Request("http://127.0.0.1/mcp"))).status).toBe(400);
  expect(endpoint.count).toBe(0);
});

test.each(["*/*", "application/json", null, "text/event-stream"])("a client that accepts %j is answered in every step", async (accept) => {
  const { endpoint } = open();
  const post = async (message: object, session?: string): Promise<Response> => {
    const headers = {
      "content-type": "application/json",
      ...(accept !== null && { accept }),
      ...(session && { "mcp-session-id": session }),
    };
    return await endpoint.handle(new Request("http://127.0.0.1/mcp", { method: "POST", headers, body: JSON.stringify(message) }));
  };
  const params = { protocolVersion: "2025-06-18", capabilities: { roots: null }, clientInfo: { name: "test", version: "1", title: null } };
  const welcome = await post({ jsonrpc: "2.0", id: 1, method: "initialize", params });
  const session = welcome.headers.get("mcp-session-id") ?? "";
  expect(await welcome.text()).toContain('"serverInfo"');
  expect((await post({ jsonrpc: "2.0", method: "notifications/initialized", params: null }, session)).status).toBe(202);
  const calls = [
    { jsonrpc: "2.0", id: 2, method: "tools/list", params: { cursor: null } },
    { jsonrpc: "2.0", id: 3, method: "tools/call", params: { name: "exec", arguments: null, _meta: null } },
    { jsonrpc: "2.0", id: 4, method: "tools/call", params: { name: "exec" } },
  ];
  for (const call of calls) {
    const answer = await post(call, session);
    const isStream = answer.headers.get("content-type") === "text/event-stream";
    expect([answer.status, isStream]).toEqual([200, accept === "text/event-stream"]);
    const text = await answer.text();
    expect(JSON.parse(isStream ? (/^data: (.+)$/m.exec(text)?.[1] ?? "") : text)).toMatchObject({ id: call.id, result: {} });
  }
});

test("a body that is no JSON, no message or too large is refused, and leaves no client", async () => {
  const { endpoint } = open();
  const post = async (body: string, told?: number): Promise<Response> => {
    const headers = { "content-type": "application/json", ...(told !== undefined && { "content-length": String(told) }) };
    return await endpoint.handle(new Request("http://127.0.0.1/mcp", { method: "POST", headers, body }));
  };
  for (const body of ["{", "", "null", "7", '{"jsonrpc":"1.0"}']) {
    const answer = await post(body);
    expect([answer.status, await answer.json()]).toMatchObject([400, { error: { code: -32700 } }]);
  }
  await expect(post("{}", 500_000_000)).rejects.toMatchObject({ code: "PayloadTooLarge" });
  expect(endpoint.count).toBe(0);
});

test("one client too many is refused, and may come when another has gone", async () => {
  const { endpoint, send, welcome } = open();
  const sessions: string[] = [];
  for (let at = 0; at < 99; at += 1) sessions.push(await welcome());
  const initialize = {
    jsonrpc: "2.0",
    id: 1,
    method: "initialize",
    params: { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "x", version: "1" } },
  };
  // Of many that arrive at once no more get in.
  const rush = await Promise.all(Array.from({ length: 5 }, () => send(initialize)));
  expect(rush.map(({ status }) => status).sort()).toEqual([200, 429, 429, 429, 429]);
  expect(await send(initialize)).toMatchObject({ status: 429, message: { code: "LimitExceeded", retryable: true } });
  await endpoint.handle(new Request("http://127.0.0.1/mcp", { method: "DELETE", headers: { "mcp-session-id": sessions[0] ?? "" } }));
  expect((await send(initialize)).status).toBe(200);
});
