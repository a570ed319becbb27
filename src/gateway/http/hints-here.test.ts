// Hints in errors, at every endpoint: said as they work where the gateway runs, here in Compose. How they are said is api/place.ts's.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { OperationError } from "../../api/errors.ts";
import { findPlace, type Say, toPlace } from "../../api/place.ts";
import { connectAsOwner } from "../ws/device.fixture.ts";
import { openSocketServer } from "../ws/sockets.fixture.ts";
import { openServer, UI_FOLDER } from "./server.fixture.ts";

const HINT = "openclaw sandbox approve";
const HERE = "docker compose run --rm openclaw-cli sandbox approve";
const inCompose: Say = (text) => toPlace(text, findPlace({ OPENCLAW_PLACE: "compose" }, "openclaw"));
const options = {
  say: inCompose,
  run: async () => {
    throw new OperationError("NotReady", "its removal is awaiting approval", { fix: HINT });
  },
};

test("over HTTP, as an answer and as the last event of a stream", async () => {
  const { ask } = await openServer(options);
  await ask("/v1/sessions", { json: { key: "main" } });
  const call = { json: { command: "true" } };
  expect(await (await ask("/v1/sessions/main/tools/exec", call)).json()).toMatchObject({ code: "NotReady", fix: HERE });
  const stream = await ask("/v1/sessions/main/tools/exec", { ...call, headers: { accept: "text/event-stream" } });
  expect(await stream.text()).toContain(HERE);
});

test("over the WebSocket", async () => {
  const { url, ownerKey, http } = await openSocketServer(options);
  await http("/v1/sessions", ownerKey, { json: { key: "main" } });
  const answer = await new Promise((resolve) => {
    void connectAsOwner(url, ownerKey, { scopes: ["operator.admin"], onFrame: (frame) => frame.id === "r1" && resolve(frame) }).then(
      ({ socket }) =>
        socket.send(
          JSON.stringify({
            type: "req",
            id: "r1",
            method: "tools.call",
            params: { key: "main", tool: "exec", input: { command: "true" } },
          }),
        ),
    );
  });
  expect(answer).toMatchObject({ ok: false, error: { details: { problem: { fix: HERE } } } });
});

test("over MCP, in what the model reads", async () => {
  const { ask } = await openServer(options);
  const headers = { accept: "application/json, text/event-stream" };
  const about = { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "test", version: "1" } };
  const welcome = await ask("/mcp", { headers, json: { jsonrpc: "2.0", id: 1, method: "initialize", params: about } });
  const client = { ...headers, "mcp-session-id": welcome.headers.get("mcp-session-id") ?? "" };
  const params = { name: "exec", arguments: { command: "true" } };
  const answer = await ask("/mcp", { headers: client, json: { jsonrpc: "2.0", id: 2, method: "tools/call", params } });
  expect(await answer.text()).toContain(HERE);
});

test("in the page, whose commands begin with what is typed there", async () => {
  const { ask, stateDir } = await openServer({ ...options, command: 'docker compose run "x" <y>' });
  await mkdir(join(stateDir, UI_FOLDER), { recursive: true });
  await writeFile(join(stateDir, UI_FOLDER, "index.html"), '<meta name="openclaw-command" content="OPENCLAW_COMMAND" />');
  const page = await (await ask("/", { secret: false })).text();
  expect(page).toBe('<meta name="openclaw-command" content="docker compose run &quot;x&quot; &lt;y&gt;" />');
});
