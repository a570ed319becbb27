// One client of the MCP endpoint: its tools are those that the policy gives an MCP session, and run in a sandbox of its own, which is requested
// with the first call. Which requests are this client's, and when it is gone, is mcp-endpoint.ts.
import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import type { WebStandardStreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js";
import type { RequestHandlerExtra } from "@modelcontextprotocol/sdk/shared/protocol.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import {
  type CallToolRequest,
  CallToolRequestSchema,
  type CallToolResult,
  ErrorCode,
  ListToolsRequestSchema,
  McpError,
  type ServerNotification,
  type ServerRequest,
  type Tool,
} from "@modelcontextprotocol/sdk/types.js";
import { isErrorCode, OperationError, renderError } from "../../api/errors.ts";
import type { Say } from "../../api/place.ts";
import type { Session } from "../../api/session.ts";
import { toProblem } from "../../api/wire.ts";
import type { ToolEvent, ToolResult, Tools } from "../tools/tool-port.ts";
import { ProgressLine } from "./progress-line.ts";

export interface McpClientSession {
  /** What the session will be, before it is requested. */
  planned: Pick<Session, "spec">;
  /** Writes the Session object. Called once. */
  begin(): Promise<Session>;
}

export interface McpClientParts {
  transport: WebStandardStreamableHTTPServerTransport;
  session: McpClientSession;
  tools: Tools;
  version: string;
  /** A hint as it works where the gateway runs. */
  say: Say;
  /** A call has ended. */
  used(): void;
  /** A bug; as an OperationError a client that does not speak the protocol. */
  failed(error: unknown): void;
}

type CallExtra = RequestHandlerExtra<ServerRequest, ServerNotification>;

const INSTRUCTIONS =
  "Tools that work in an isolated sandbox of this connection. Paths are relative to its workspace; nothing in it outlives the connection unless you copy it out.";

export class McpClient {
  readonly #parts: McpClientParts;
  readonly #server: Server;
  #session: Promise<Session> | null = null;
  #calls = 0;

  constructor(parts: McpClientParts) {
    this.#parts = parts;
    const about = { name: "openclaw", title: "OpenClaw sandbox", version: parts.version };
    this.#server = new Server(about, { capabilities: { tools: {}, logging: {} }, instructions: INSTRUCTIONS });
    // What the protocol's library says of what it was sent; a tool's own failures are told by #call.
    this.#server.onerror = (cause) => parts.failed(new OperationError("InvalidArgument", `MCP: ${cause.message}`, { cause }));
    this.#server.setRequestHandler(ListToolsRequestSchema, async () => ({ tools: await this.#list() }));
    this.#server.setRequestHandler(CallToolRequestSchema, (request, extra) => this.#call(request, extra));
  }

  /** Calls that are running. */
  get calls(): number {
    return this.#calls;
  }

  async connect(): Promise<void> {
    await this.#server.connect(this.#parts.transport as Transport);
  }

  /** Ends what runs. @returns the session that was begun, if any was */
  async close(): Promise<Session | null> {
    await this.#server.close();
    return (await this.#session?.catch(() => null)) ?? null;
  }

  /** How the sandbox comes up, for a client that asked for no progress. One that does not listen misses it. */
  async #log(data: string): Promise<void> {
    await this.#server.sendLoggingMessage({ level: "info", logger: "sandbox", data }).catch(() => undefined);
  }

  /** Once; again only if it failed. */
  #begin(): Promise<Session> {
    this.#session ??= this.#parts.session.begin().catch((error: unknown) => {
      this.#session = null;
      throw error;
    });
    return this.#session;
  }

  async #list(): Promise<Tool[]> {
    const tools = await this.#parts.tools.list(this.#parts.session.planned);
    return tools
      .filter(({ decision }) => decision.allowed)
      .map(({ name, description, inputSchema }) => ({ name, description, inputSchema: { ...inputSchema, type: "object" as const } }));
  }

  async #call({ params }: CallToolRequest, { signal, _meta, sendNotification }: CallExtra): Promise<CallToolResult> {
    const { tools, session } = this.#parts;
    try {
      // Nothing is begun for a call that would be refused.
      tools.admit(session.planned, params.name);
    } catch (error) {
      if (isErrorCode(error, "NotFound")) throw new McpError(ErrorCode.InvalidParams, `Unknown tool: ${params.name.slice(0, 80)}`);
      return this.#toErrorResult(error);
    }
    const progressToken = _meta?.progressToken;
    const progress = new ProgressLine(async (count, message) => {
      if (progressToken === undefined) return;
      await sendNotification({ method: "notifications/progress", params: { progressToken, progress: count, message } });
    });
    this.#calls += 1;
    try {
      const session = await this.#begin();
      const emit = async (event: ToolEvent): Promise<void> => {
        if (event.kind === "progress") await this.#log(event.message);
        await progress.tell(event);
      };
      return toCallResult(await tools.call({ session, tool: params.name, input: params.arguments ?? {}, signal, emit }));
    } catch (error) {
      return this.#toErrorResult(error);
    } finally {
      this.#calls -= 1;
      this.#parts.used();
      progress.end();
    }
  }

  /** For a model to read and act on: the message, the fix, and whether trying again helps. A bug's text stays here. */
  #toErrorResult(error: unknown): CallToolResult {
    if (!(error instanceof OperationError)) this.#parts.failed(error);
    const { code, retryable, detail } = toProblem(error);
    const text = this.#parts.say(error instanceof OperationError ? renderError(error) : detail);
    return { content: [{ type: "text", text: `${code}: ${text}` }], structuredContent: { code, retryable }, isError: true };
  }
}

function toCallResult({ content, details, isError }: ToolResult): CallToolResult {
  return { content: content.map((part) => ({ ...part })), structuredContent: { ...details }, isError };
}
