// Passes MCP messages between an agent that speaks over pipes and the gateway's MCP endpoint over HTTP. A gateway that was restarted knows nothing
// of the session: the bridge replays the agent's handshake to start a new one and continues. It understands no other message.
import { StreamableHTTPClientTransport, StreamableHTTPError } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import {
  InitializeResultSchema,
  isInitializedNotification,
  isInitializeRequest,
  isJSONRPCErrorResponse,
  isJSONRPCRequest,
  isJSONRPCResultResponse,
  type JSONRPCMessage,
  type JSONRPCRequest,
} from "@modelcontextprotocol/sdk/types.js";

export interface McpBridgeParts {
  /** The agent's side. Started and closed here. */
  agent: Transport;
  /** The gateway's server. */
  url: URL;
  headers: Readonly<Record<string, string>>;
  /** For a person who looks at the agent's log. */
  note(text: string): void;
}

/** JSON-RPC's first code for errors of a server's own. */
const SERVER_ERROR = -32000;

export class McpBridge {
  readonly #parts: McpBridgeParts;
  #gateway: StreamableHTTPClientTransport | null = null;
  /** The agent's own handshake, for a gateway that has been restarted. */
  #handshake: JSONRPCRequest | null = null;
  /** Settles once the gateway knows the session; earlier messages of the agent wait until then. */
  #begun: Promise<void> | null = null;
  /** Of a handshake that the bridge makes by itself: its answer is not the agent's. */
  #own: { id: string; answered(message: JSONRPCMessage): void } | null = null;
  #renewing: Promise<void> | null = null;
  #renewals = 0;
  /** The agent's requests that have no answer yet. */
  readonly #open = new Set<string | number>();
  #answered = Promise.withResolvers<void>();

  constructor(parts: McpBridgeParts) {
    this.#parts = parts;
  }

  async start(): Promise<void> {
    const { agent } = this.#parts;
    agent.onmessage = (message) => void this.#toGateway(message);
    agent.onerror = (error) => this.#parts.note(error.message);
    await this.#connect();
    await agent.start();
  }

  /** Until every request has its answer, as an agent that says all and closes its pipe expects; at most so long. */
  async drain(msMax: number): Promise<void> {
    const over = AbortSignal.timeout(msMax);
    const isOver = new Promise<void>((resolve) => over.addEventListener("abort", () => resolve(), { once: true }));
    while (this.#open.size > 0 && !over.aborted) await Promise.race([this.#answered.promise, isOver]);
  }

  async stop(): Promise<void> {
    // One that is gone has ended the session already.
    await this.#gateway?.terminateSession().catch(() => undefined);
    await this.#gateway?.close();
    await this.#parts.agent.close();
  }

  async #connect(): Promise<StreamableHTTPClientTransport> {
    const gateway = new StreamableHTTPClientTransport(this.#parts.url, { requestInit: { headers: { ...this.#parts.headers } } });
    gateway.onmessage = (message) => void this.#toAgent(gateway, message);
    gateway.onerror = (error) => this.#parts.note(error.message);
    await gateway.start();
    this.#gateway = gateway;
    return gateway;
  }

  async #toGateway(message: JSONRPCMessage): Promise<void> {
    const isHandshake = isInitializeRequest(message) && isJSONRPCRequest(message);
    if (isHandshake) this.#handshake = message;
    if (isJSONRPCRequest(message)) this.#open.add(message.id);
    try {
      await this.#renewing;
      if (!isHandshake) await this.#begun;
      const sent = this.#send(message);
      if (isHandshake) this.#begun = sent.catch(() => undefined);
      await sent;
    } catch (error) {
      this.#parts.note(toText(error));
      if (isJSONRPCRequest(message))
        await this.#tell({ jsonrpc: "2.0", id: message.id, error: { code: SERVER_ERROR, message: toText(error) } });
    }
  }

  async #send(message: JSONRPCMessage): Promise<void> {
    const gateway = this.#gateway;
    try {
      await gateway?.send(message);
    } catch (error) {
      const isForgotten = error instanceof StreamableHTTPError && error.code === 404;
      // Whatever else was under way to a gateway that has forgotten is cut off when the first answer tells so.
      const isCutOff = this.#renewing !== null || this.#gateway !== gateway;
      if (!(isForgotten || isCutOff) || this.#handshake === null || message === this.#handshake) throw error;
      if (!isCutOff) this.#renewing = this.#renew(this.#handshake).finally(() => (this.#renewing = null));
      await this.#renewing;
      if (!isInitializedNotification(message)) await this.#gateway?.send(message);
    }
  }

  async #renew(handshake: JSONRPCRequest): Promise<void> {
    this.#parts.note("the gateway restarted; starting a new session with a new sandbox");
    await this.#gateway?.close();
    const gateway = await this.#connect();
    this.#renewals += 1;
    const id = `openclaw-bridge-${this.#renewals}`;
    const { promise, resolve } = Promise.withResolvers<JSONRPCMessage>();
    this.#own = { id, answered: resolve };
    await gateway.send({ ...handshake, id });
    const answer = await promise;
    if (isJSONRPCErrorResponse(answer)) throw new Error(`the gateway refused a new session: ${answer.error.message}`);
    await gateway.send({ jsonrpc: "2.0", method: "notifications/initialized" });
  }

  async #toAgent(gateway: StreamableHTTPClientTransport, message: JSONRPCMessage): Promise<void> {
    if (isJSONRPCResultResponse(message)) {
      const welcome = InitializeResultSchema.safeParse(message.result);
      if (welcome.success) gateway.setProtocolVersion(welcome.data.protocolVersion);
    }
    if (this.#own !== null && "id" in message && message.id === this.#own.id) return this.#own.answered(message);
    await this.#tell(message);
  }

  async #tell(message: JSONRPCMessage): Promise<void> {
    await this.#parts.agent.send(message);
    const isAnswer = isJSONRPCResultResponse(message) || isJSONRPCErrorResponse(message);
    if (!isAnswer || message.id === undefined || !this.#open.delete(message.id)) return;
    this.#answered.resolve();
    this.#answered = Promise.withResolvers<void>();
  }
}

function toText(error: unknown): string {
  if (error instanceof StreamableHTTPError && error.code === 401)
    return "the gateway requires its token: set OPENCLAW_GATEWAY_TOKEN, or run this as the user that runs the gateway";
  return error instanceof Error ? error.message : String(error);
}
