// The HTTP API as its users see it: what each operation answers, how a tool's output streams, and that the description says what is there.
// Strangers are attacks.test.ts.
import { createHash } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { OperationError } from "../../api/errors.ts";
import { OPERATIONS } from "../../api/gateway-protocol/operations.ts";
import { eventually } from "../../api/store/folder.fixture.ts";
import { TOOLS } from "../tools/catalog.ts";
import type { ToolCall } from "../tools/tool-port.ts";
import { FRAMES_TYPE } from "./frame-stream.ts";
import { DONE, openServer, sample, TOKEN } from "./server.fixture.ts";
import { startGatewayServer } from "./server.ts";

const Answer = z.looseObject({ key: z.string().optional(), createdAt: z.number().optional(), items: z.array(z.unknown()).optional() });
const json = async (response: Response) => ({ status: response.status, body: Answer.parse(await response.json()) });
const keyOf = ({ body }: { body: z.output<typeof Answer> }): string => encodeURIComponent(body.key ?? "");

test("a session is made once, listed, talked to, reset and deleted", async () => {
  const { ask } = await openServer();
  const made = await json(await ask("/v1/sessions", { json: { key: "main" } }));
  expect(made).toMatchObject({
    status: 200,
    body: { key: "agent:main:main", kind: "main", sandboxed: false, messages: 0, lastActivityAt: null },
  });
  expect((await json(await ask("/v1/sessions", { json: { key: "agent:main:main" } }))).body.createdAt).toBe(made.body.createdAt);
  const group = await json(await ask("/v1/sessions", { json: { key: "agent:work:discord:group:42" } }));
  expect(group.body).toMatchObject({ agentId: "work", kind: "group" });
  const fresh = await json(await ask("/v1/sessions", { json: { agentId: "work" } }));
  expect(fresh.body.key).toMatch(/^agent:work:direct:[0-9a-f-]{36}$/);
  expect((await json(await ask("/v1/sessions"))).body.items).toHaveLength(3);
  for (const text of ["one", "two", "three"]) await ask("/v1/sessions/main/messages", { json: { text } });
  const page = await json(await ask("/v1/sessions/agent%3Amain%3Amain/messages?after=1&limit=1"));
  expect(page.body.items).toMatchObject([{ id: 2, role: "user", text: "two", from: null }]);
  expect((await json(await ask("/v1/sessions/main/reset", { method: "POST" }))).body.messages).toBe(0);
  expect((await json(await ask("/v1/sessions/main", { method: "DELETE" }))).body).toEqual({ deleted: "agent:main:main" });
  expect((await json(await ask("/v1/sessions/main"))).status).toBe(404);
});

test("a child is spawned with its task, and knows its parent", async () => {
  const { ask } = await openServer();
  await ask("/v1/sessions", { json: { key: "main" } });
  const child = await json(await ask("/v1/sessions/main/spawn", { json: { task: "count the files" } }));
  expect(child.body).toMatchObject({ kind: "subagent", messages: 1 });
  const messages = await json(await ask(`/v1/sessions/${keyOf(child)}/messages`));
  expect(messages.body.items).toMatchObject([{ role: "system", text: "count the files", from: "agent:main:main" }]);
});

test("a tool's output comes as it is made, ends with its result, and a character that is cut in two stays whole", async () => {
  const { ask } = await openServer({
    run: async ({ emit }) => {
      await emit({ kind: "started", sandbox: "box" });
      for (const chunk of [Buffer.from([0xf0, 0x9f]), Buffer.from([0xa6, 0x80, 0x0a])]) await emit({ kind: "stdout", chunk });
      await emit({ kind: "stderr", chunk: Buffer.from([0xff]) });
      return DONE;
    },
  });
  await ask("/v1/sessions", { json: { key: "main" } });
  const call = (query: string) => ask(`/v1/sessions/main/tools/exec${query}`, { json: {}, headers: { accept: "text/event-stream" } });
  const events = (text: string) =>
    [...text.matchAll(/event: (\w+)\ndata: (.*)\n\n/g)].map(([, event, data]) => [event, JSON.parse(data ?? "")]);
  expect(events(await (await call("")).text())).toEqual([
    ["started", { sandbox: "box" }],
    ["stdout", { text: "\u{1f980}\n" }],
    ["stderr", { text: "\ufffd" }],
    ["exit", DONE],
  ]);
  expect(events(await (await call("?encoding=base64")).text())).toContainEqual(["stderr", { data: "/w==" }]);
  expect(await json(await ask("/v1/sessions/main/tools/exec", { json: {} }))).toEqual({ status: 200, body: DONE });
});

test("a client that asks for frames gets a tool's output as it is, and the other events as JSON between them", async () => {
  const { ask } = await openServer({
    run: async ({ emit }) => {
      await emit({ kind: "started", sandbox: "box" });
      await emit({ kind: "stdout", chunk: Buffer.from([0, 0xff, 0x0a]) });
      await emit({ kind: "stderr", chunk: Buffer.alloc(70_000, 1) });
      return DONE;
    },
  });
  await ask("/v1/sessions", { json: { key: "main" } });
  const response = await ask("/v1/sessions/main/tools/exec", { json: {}, headers: { accept: FRAMES_TYPE } });
  expect(response.headers.get("content-type")).toBe(FRAMES_TYPE);
  const frames: [number, Buffer][] = [];
  for (let rest = Buffer.from(await response.arrayBuffer()); rest.length > 0; ) {
    const end = 8 + rest.readUInt32BE(4);
    frames.push([rest.readUInt8(0), rest.subarray(8, end)]);
    rest = rest.subarray(end);
  }
  expect(frames.map(([channel, data]) => [channel, channel === 0 ? JSON.parse(data.toString()) : data])).toEqual([
    [0, { event: "started", data: { sandbox: "box" } }],
    [1, Buffer.from([0, 0xff, 0x0a])],
    [2, Buffer.alloc(70_000, 1)],
    [0, { event: "exit", data: DONE }],
  ]);
});

test.each(["text/event-stream", FRAMES_TYPE])(
  "a slow reader of %s holds back its own tool: what it does not take is not made",
  async (accept) => {
    let made = 0;
    const { ask } = await openServer({
      run: async ({ emit, signal }) => {
        while (!signal.aborted) {
          await emit({ kind: "stdout", chunk: Buffer.alloc(65_536, "x") });
          made += 1;
        }
        throw new OperationError("Aborted", "the call was cancelled");
      },
    });
    await ask("/v1/sessions", { json: { key: "main" } });
    const response = await ask("/v1/sessions/main/tools/exec", { json: {}, headers: { accept } });
    const reader = response.body?.getReader();
    for (let taken = 0; taken < 20; taken += 1) await reader?.read();
    expect(made).toBeLessThanOrEqual(22);
    await reader?.cancel();
  },
);

test("what a tool call is refused for has a code, says whether to come again, and when", async () => {
  const { ask, sessions, calls, service } = await openServer({
    run: async () => {
      throw new OperationError("ImageMissing", "the image box:1 is not there", { fix: "docker pull box:1" });
    },
  });
  await service.open({ key: "main" });
  const refused = await ask("/v1/sessions/main/tools/exec", { json: {} });
  expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "30"]);
  expect(await refused.json()).toMatchObject({ code: "ImageMissing", fix: "docker pull box:1", retryable: true });
  const streamed = await ask("/v1/sessions/main/tools/exec", { json: {}, headers: { accept: "text/event-stream" } });
  expect(await streamed.text()).toContain('event: error\ndata: {"type":"about:blank","title":"ImageMissing"');
  expect(await json(await ask("/v1/sessions/elsewhere/tools/exec", { json: {} }))).toMatchObject({ status: 404 });
  expect(calls).toHaveLength(2);
  expect(sessions.count).toBe(1);
});

test("a bug is logged, and its text is shown to nobody", async () => {
  const { ask, logged } = await openServer({
    run: async () => {
      throw new Error("password=hunter2");
    },
  });
  await ask("/v1/sessions", { json: { key: "main" } });
  const response = await ask("/v1/sessions/main/tools/exec", { json: {} });
  expect([response.status, (await response.text()).includes("hunter2")]).toEqual([500, false]);
  expect(logged.join("")).toContain("request failed");
});

test("tools/invoke speaks upstream's form: ok and result, or ok false with a type; what the policy refuses is not there", async () => {
  const { ask, calls } = await openServer({ config: { tools: { deny: ["write"] } } });
  const invoke = async (body: object) => await json(await ask("/tools/invoke", { json: body }));
  expect(await invoke({ tool: "exec", action: "run", args: { command: "true" } })).toEqual({
    status: 200,
    body: { ok: true, result: { content: DONE.content, details: DONE.details } },
  });
  expect(calls[0]).toMatchObject({ input: { action: "run", command: "true" }, session: { spec: { key: "agent:main:main" } } });
  expect(await invoke({ tool: "nothing" })).toMatchObject({ status: 404, body: { ok: false, error: { type: "not_found" } } });
  expect(await invoke({ tool: "exec", dryRun: true })).toEqual({
    status: 200,
    body: { ok: true, result: { tool: "exec", allowed: true } },
  });
  expect(calls).toHaveLength(2);
});

test("without a controller what needs it says so and is retryable; sessions go on", async () => {
  const { ask } = await openServer();
  for (const path of ["/v1/sandboxes", "/v1/plan", "/v1/events"]) {
    expect(await json(await ask(path))).toMatchObject({ status: 503, body: { code: "ControllerUnreachable", retryable: true } });
  }
  expect((await ask("/v1/sessions")).status).toBe(200);
});

const Document = z.looseObject({
  paths: z.record(z.string(), z.record(z.string(), z.looseObject({ operationId: z.string() }))),
  components: z.looseObject({ schemas: z.record(z.string(), z.unknown()) }),
});

test("the description names every operation, is complete in itself, and needs the secret everywhere", async () => {
  const { ask } = await openServer();
  const document = Document.parse(await (await ask("/v1/openapi.json")).json());
  expect(document).toMatchObject({ openapi: "3.1.0", security: [{ bearer: [] }] });
  const described = Object.values(document.paths).flatMap((methods) => Object.values(methods));
  const names = [...Object.keys(OPERATIONS), ...TOOLS.map(({ name }) => `callTool_${name}`)];
  expect(described.map(({ operationId }) => operationId).sort()).toEqual(names.sort());
  expect(document.paths["/v1/sessions/{key}/tools/exec"]?.post).toMatchObject({
    parameters: [
      { name: "key", in: "path" },
      { name: "encoding", in: "query" },
    ],
    requestBody: { content: { "application/json": { schema: { type: "object", required: ["command"] } } } },
  });
  const references = new Set([...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(([, path]) => path));
  expect([...references]).toEqual(Object.keys(document.components.schemas).map((name) => `#/components/schemas/${name}`));
});

test("the page says version and readiness, and nothing that is secret or of the request; it can be turned off", async () => {
  const { ask, rules, checks } = await openServer();
  const page = await ask("/", { secret: false });
  const text = await page.text();
  expect(text).toContain("OpenClaw gateway: ready");
  expect(text).toContain("0.1.0");
  expect(text).not.toMatch(/<script|\son\w+=|style="|http-equiv/);
  checks.push({ name: "controller", ok: false, message: "the state folder /secret/place has no controller" });
  const waiting = await (await ask("/?q=asked", { secret: false, headers: { host: "localhost:4711" } })).text();
  expect(waiting).toContain("OpenClaw gateway: not ready");
  expect(waiting).toContain('<meta http-equiv="refresh"');
  expect(waiting).not.toMatch(/secret|asked|4711/);
  rules.page = false;
  expect((await ask("/", { secret: false })).status).toBe(404);
});

test("the page's policy lets its own style through and nothing else; every other answer's policy lets nothing through", async () => {
  const { ask } = await openServer();
  const page = await ask("/", { secret: false });
  const [, style = ""] = /<style>([\s\S]*)<\/style>/.exec(await page.text()) ?? [];
  const hash = createHash("sha256").update(style).digest("base64");
  const rest = "frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
  expect(page.headers.get("content-security-policy")).toBe(`default-src 'none'; style-src 'sha256-${hash}'; img-src data:; ${rest}`);
  for (const path of ["/healthz", "/v1/sessions", "/nothing"])
    expect((await ask(path)).headers.get("content-security-policy")).toBe(`default-src 'none'; ${rest}`);
});

test("requests are counted by operation, and no key or path becomes a label", async () => {
  const { ask, metrics } = await openServer();
  await ask("/v1/sessions/agent:main:secret-name");
  await ask("/nothing/here");
  const { text } = await metrics.registry.render(undefined);
  expect(text).not.toMatch(/secret-name|nothing\/here/);
  expect(await sample(metrics, 'openclaw_gateway_requests_total{operation="getSession",code="4xx"}')).toBe(1);
  expect(await sample(metrics, 'openclaw_gateway_requests_total{operation="other",code="4xx"}')).toBe(1);
});

test("over a socket a body may come in pieces of no told length, or not at all, and is limited all the same", async () => {
  const { app, ask, sessions } = await openServer();
  const server = await startGatewayServer(app, { host: "127.0.0.1", port: 0 });
  onTestFinished(() => server.close());
  const headers = { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" };
  const url = `http://127.0.0.1:${server.port}/v1/sessions`;
  const pieces = (...texts: string[]) => ReadableStream.from(texts.map((text) => new TextEncoder().encode(text)));
  const send = (body: ReadableStream) => fetch(url, { method: "POST", headers, body, duplex: "half" });
  expect((await send(pieces('{"key":', '"main"}'))).status).toBe(200);
  expect((await fetch(`${url}/main/reset`, { method: "POST", headers })).status).toBe(200);
  expect((await fetch(`${url}/main`, { method: "DELETE", headers })).status).toBe(200);
  expect((await ask("/v1/sessions/main")).status).toBe(404);
  // Whoever goes on sending may find the connection closed before the answer is read.
  const tooLarge = send(pieces('{"agentId":"work","key":"', ...Array.from({ length: 100 }, () => "x".repeat(65_536)), '"}'));
  expect(await tooLarge.then(({ status }) => status).catch(() => "closed")).toBeOneOf([413, "closed"]);
  expect(sessions.count).toBe(0);
});

test("a file's content has 64 MiB, whatever its JSON makes of it", async () => {
  const lengths: number[] = [];
  const run = async ({ input }: ToolCall) => {
    lengths.push(String(z.object({ content: z.string() }).parse(input).content).length);
    return DONE;
  };
  const { ask } = await openServer({ run });
  await ask("/v1/sessions", { json: { key: "main" } });
  const [plain, escaped] = [67_108_864, 8_388_608];
  const write = async (body: string) =>
    (await ask("/v1/sessions/main/tools/exec", { body, headers: { "content-type": "application/json" } })).status;
  expect(await write(`{"content":"${"x".repeat(plain)}"}`)).toBe(200);
  expect(await write(`{"content":"${"\\u00e9".repeat(escaped)}"}`)).toBe(200);
  expect(lengths).toEqual([plain, escaped]);
});

test("the newest events that are asked for are all that the controller is asked for", async () => {
  const { ask, stateDir } = await openServer();
  const asked: (string | undefined)[] = [];
  const controller = createServer(({ url }, response) => {
    asked.push(url);
    response.writeHead(200, { "content-type": "application/json" }).end('{"items":[]}');
  });
  await mkdir(join(stateDir, "run"));
  await new Promise<void>((resolve) => controller.listen(join(stateDir, "run/stream.sock"), resolve));
  onTestFinished(() => void controller.close());
  for (const path of ["/v1/events?tail=5", "/v1/events"]) expect((await ask(path)).status).toBe(200);
  expect((await ask("/v1/events?tail=0")).status).toBe(400);
  expect(asked).toEqual(["/v1/events?tail=5", "/v1/events?"]);
});

test("HEAD follows nothing: the body of GET is given up", async () => {
  const { ask, stateDir } = await openServer();
  const followers = { begun: 0, gone: 0 };
  const controller = createServer(({ url }, response) => {
    if (url !== "/v1/events") return void response.writeHead(200, { "content-type": "application/json" }).end('{"items":[]}');
    followers.begun += 1;
    response.once("close", () => (followers.gone += 1));
    response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
  });
  await mkdir(join(stateDir, "run"));
  await new Promise<void>((resolve) => controller.listen(join(stateDir, "run/stream.sock"), resolve));
  onTestFinished(() => {
    controller.close();
    controller.closeAllConnections();
  });
  const answer = await ask("/v1/events", { method: "HEAD", headers: { accept: "text/event-stream" } });
  expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "text/event-stream"]);
  // Whatever HEAD began at the controller was there before this.
  await ask("/v1/sandboxes");
  await eventually("the controller's end is over, if it ever began", () => followers.gone === followers.begun);
});

test("the MCP endpoint is found with a slash at its end too, and answers in JSON who asks for no stream", async () => {
  const { ask } = await openServer();
  const params = { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "test", version: "1" } };
  for (const path of ["/mcp", "/mcp/", "/mcp/?agent=work"]) {
    const answer = await ask(path, { json: { jsonrpc: "2.0", id: 1, method: "initialize", params } });
    expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "application/json"]);
    expect(await answer.json()).toMatchObject({ result: { serverInfo: { name: "openclaw" } } });
  }
});

test("a tool's call without arguments, or with null for them, is a call with none", async () => {
  const { ask, calls } = await openServer();
  await ask("/v1/sessions", { json: { key: "main" } });
  for (const body of [undefined, "null", "{}"]) {
    const headers = { "content-type": "application/json" };
    const answer = await ask("/v1/sessions/main/tools/exec", { method: "POST", headers, ...(body !== undefined && { body }) });
    expect(answer.status).toBe(200);
  }
  expect((await ask("/tools/invoke", { json: { tool: "exec", args: null, action: null, sessionKey: null } })).status).toBe(200);
  expect(calls.map(({ input }) => input ?? {})).toEqual([{}, {}, {}, {}]);
});
