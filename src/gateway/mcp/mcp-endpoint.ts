// The MCP endpoint: streamable HTTP, many clients. Assigns each request to its client, limits the number of clients, and forgets clients that are gone, along with
// their sessions and sandboxes. Who may connect at all is http/app.ts; what a client may do is mcp-client.ts.
import { WebStandardStreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js";
import { type DurationMs, MINUTE_MS, toDurationMs } from "../../api/brands.ts";
import { OperationError } from "../../api/errors.ts";
import type { Say } from "../../api/place.ts";
import { readBody } from "../../api/read-body.ts";
import type { Session } from "../../api/session.ts";
import { TOOL_BODY_BYTES_MAX } from "../http/body-budget.ts";
import { toProblemResponse } from "../http/problem.ts";
import type { Tools } from "../tools/tool-port.ts";
import { toJsonAnswer } from "./json-answer.ts";
import { McpClient, type McpClientSession } from "./mcp-client.ts";
import { toAnswerForm, toLibraryRequest, withoutNullParams } from "./request-forms.ts";

export interface McpEndpointParts {
  tools: Tools;
  /** Of one client. @param agentId null: the default agent. @throws OperationError `NotFound` (no such agent) */
  session(agentId: string | null): McpClientSession;
  /** Ends a session that a client leaves behind, and what it spawned, with their sandboxes. */
  endSession(session: Session): Promise<void>;
  /** Of a clock that nobody sets: a computer that slept for an hour has not been left for an hour. */
  uptime(): DurationMs;
  /** A new UUID. */
  newUid(): string;
  version: string;
  /** A hint as it works where the gateway runs. */
  say: Say;
  failed(error: unknown): void;
}

/** As many as there may be sandboxes by default. */
const CLIENTS_MAX = 100;
/** Nothing asked, nothing running, nothing listened to for so long: the client was closed without a word. */
export const IDLE_MS_MAX: DurationMs = toDurationMs(30 * MINUTE_MS);

interface Connected {
  client: McpClient;
  transport: WebStandardStreamableHTTPServerTransport;
  /** Uptime. */
  usedAt: DurationMs;
  /** Streams on which it listens. */
  streams: number;
}

export class McpEndpoint {
  readonly #parts: McpEndpointParts;
  readonly #clients = new Map<string, Connected>();
  readonly #ending = new Set<Promise<void>>();
  /** Requests that may become clients. */
  #arriving = 0;
  readonly #sweeper: NodeJS.Timeout;

  constructor(parts: McpEndpointParts) {
    this.#parts = parts;
    this.#sweeper = setInterval(() => this.sweep(), MINUTE_MS).unref();
  }

  get count(): number {
    return this.#clients.size;
  }

  /** `?agent=ID` says whose tools a new client gets. @throws OperationError `PayloadTooLarge`, `InvalidArgument`, `Aborted` for its body */
  async handle(request: Request): Promise<Response> {
    const form = toAnswerForm(request.method, request.headers.get("accept"));
    if (form === "none") return toRpcError(406, -32000, "Not Acceptable: the answer is application/json or text/event-stream");
    const response = await this.#answer(request);
    return form === "json" ? toJsonAnswer(response) : response;
  }

  async #answer(request: Request): Promise<Response> {
    const id = request.headers.get("mcp-session-id");
    if (id === null) return await this.#welcome(request);
    const connected = this.#clients.get(id);
    if (connected === undefined) return toRpcError(404, -32001, "Session not found: start a new one");
    connected.usedAt = this.#parts.uptime();
    const response = await deliver(connected.transport, request);
    if (request.method === "GET" && response.ok) this.#listen(connected, request.signal);
    return response;
  }

  /** Lets go of clients that are gone. */
  sweep(): void {
    const now = this.#parts.uptime();
    for (const [id, { client, usedAt, streams }] of this.#clients)
      if (client.calls === 0 && streams === 0 && now - usedAt >= IDLE_MS_MAX) this.#end(id);
  }

  /** Ends every client, and resolves when their sessions are ended. */
  async stop(): Promise<void> {
    clearInterval(this.#sweeper);
    for (const id of this.#clients.keys()) this.#end(id);
    await Promise.all(this.#ending);
  }

  async #welcome(request: Request): Promise<Response> {
    if (request.method !== "POST") return toRpcError(400, -32000, "Bad Request: Mcp-Session-Id header is required");
    if (this.#clients.size + this.#arriving >= CLIENTS_MAX)
      return toProblemResponse(new OperationError("LimitExceeded", `${CLIENTS_MAX} MCP clients are already connected`));
    this.#arriving += 1;
    try {
      return await this.#initialize(request);
    } finally {
      this.#arriving -= 1;
    }
  }

  async #initialize(request: Request): Promise<Response> {
    const { tools, session, newUid, version, say, failed, uptime } = this.#parts;
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: newUid,
      onsessioninitialized: (id) => void this.#clients.set(id, { client, transport, usedAt: uptime(), streams: 0 }),
      onsessionclosed: (id) => this.#end(id),
    });
    const agent = new URL(request.url).searchParams.get("agent");
    const used = (): void => {
      const connected = this.#clients.get(transport.sessionId ?? "");
      if (connected !== undefined) connected.usedAt = uptime();
    };
    const client: McpClient = new McpClient({ transport, session: session(agent), tools, version, used, say, failed });
    await client.connect();
    try {
      return await deliver(transport, request);
    } finally {
      if (transport.sessionId === undefined) await client.close();
    }
  }

  #listen(connected: Connected, signal: AbortSignal): void {
    connected.streams += 1;
    const gone = (): void => {
      connected.streams -= 1;
      connected.usedAt = this.#parts.uptime();
    };
    if (signal.aborted) gone();
    else signal.addEventListener("abort", gone, { once: true });
  }

  #end(id: string): void {
    const connected = this.#clients.get(id);
    if (connected === undefined) return;
    this.#clients.delete(id);
    const ended = this.#close(connected.client).finally(() => this.#ending.delete(ended));
    this.#ending.add(ended);
  }

  async #close(client: McpClient): Promise<void> {
    try {
      const session = await client.close();
      if (session !== null) await this.#parts.endSession(session);
    } catch (error) {
      this.#parts.failed(error);
    }
  }
}

async function deliver(transport: WebStandardStreamableHTTPServerTransport, request: Request): Promise<Response> {
  if (request.method !== "POST") return await transport.handleRequest(toLibraryRequest(request));
  const text = await readBody(request, TOOL_BODY_BYTES_MAX);
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch {
    return toRpcError(400, -32700, "Parse error: Invalid JSON");
  }
  return await transport.handleRequest(toLibraryRequest(request), { parsedBody: withoutNullParams(message) });
}

function toRpcError(status: number, code: number, message: string): Response {
  return Response.json({ jsonrpc: "2.0", error: { code, message }, id: null }, { status });
}
