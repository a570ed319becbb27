// The WebSocket at `/`: checks where an upgrade comes from, as for every request, bounds what strangers may send, and ends all connections when
// the gateway does. One connection is connection.ts's.
import type { BlockList } from "node:net";
import { WebSocketServer } from "ws";
import { OperationError } from "../../api/errors.ts";
import { CLOSE_CODES, FRAME_BYTES_MAX, HANDSHAKE_FRAME_BYTES_MAX } from "../../api/gateway-protocol/frames.ts";
import { METHODS } from "../../api/gateway-protocol/methods.ts";
import type { OperationName } from "../../api/gateway-protocol/operations.ts";
import type { Upgrade } from "../../api/http-server.ts";
import { type Say, sayAnswer } from "../../api/place.ts";
import type { Presence } from "../devices/presence.ts";
import type { Credentials } from "../http/auth.ts";
import type { Handlers } from "../http/handler.ts";
import { type OriginRules, toCaller } from "../http/origin.ts";
import type { Broadcast } from "./broadcast.ts";
import { answerCall } from "./calls.ts";
import { Connection, type EventCounts } from "./connection.ts";
import type { DeviceHandshakeParts } from "./device-handshake.ts";
import { BatchTimer } from "./event-batch.ts";
import { judgeConnect } from "./handshake.ts";
import { Idempotency } from "./idempotency.ts";
import type { Handshake } from "./refusal.ts";
import { checkUpgrade, pathOf, refuse, toHeader } from "./upgrade-check.ts";

type HandshakeResult = "granted" | "pairing" | "refused";

export interface SocketMeter {
  socketHandshake(result: HandshakeResult): void;
  /** @param operation null: a method that there is not */
  socketRequest(operation: OperationName | null, result: "ok" | "error"): void;
}

export interface SocketsParts extends DeviceHandshakeParts {
  handlers: Handlers;
  presence: Presence;
  broadcast: Broadcast;
  meter: SocketMeter;
  rules(): OriginRules & { proxies: BlockList; credentials: Credentials };
  version: string;
  uptimeMs(): number;
  /** At least 128 bits of chance. */
  newNonce(): string;
  failed(error: unknown): void;
  /** A hint as it works where the gateway runs. */
  say: Say;
}

/** Requests under way when the gateway ends are given so long. */
const DRAIN_MS_MAX = 5_000;
/** And a client so long to answer the close. */
const CLOSE_MS_MAX = 1_000;
const LOOK_MS = 20;

export class Sockets {
  readonly #parts: SocketsParts;
  readonly #server = new WebSocketServer({ noServer: true, maxPayload: FRAME_BYTES_MAX, perMessageDeflate: false });
  readonly #connections = new Set<Connection>();
  readonly #idempotency: Idempotency;
  readonly #batchTimer: BatchTimer;
  #isStopping = false;

  constructor(parts: SocketsParts) {
    this.#parts = parts;
    this.#idempotency = new Idempotency(parts.now);
    this.#batchTimer = new BatchTimer(() => parts.uptimeMs());
  }

  /** Events since the gateway began. */
  readonly events: EventCounts = { sent: 0, lost: 0 };

  /** Open ones, by who is at the other end. */
  counts(): Record<"stranger" | "owner" | "device", number> {
    const counts = { stranger: 0, owner: 0, device: 0 };
    for (const { kind } of this.#connections) counts[kind] += 1;
    return counts;
  }

  accept(upgrade: Upgrade): void {
    const { request, socket } = upgrade;
    try {
      this.#check(upgrade);
    } catch (error) {
      return refuse(upgrade, error, this.#parts.say);
    }
    const caller = toCaller(request.socket.remoteAddress ?? "", toHeader(request.headers["x-forwarded-for"]), this.#parts.rules().proxies);
    const bound = boundStranger(upgrade);
    this.#server.handleUpgrade(request, socket, upgrade.head, (webSocket) => {
      const { handlers, version, now, uptimeMs, newNonce, failed, say, broadcast, meter } = this.#parts;
      const connection = new Connection({
        ...{ socket: webSocket, stream: socket, batchTimer: this.#batchTimer },
        ...{ version, broadcast, now, uptimeMs, connId: newNonce(), nonce: newNonce() },
        counts: this.events,
        judge: async (params, challenge) => {
          const { credentials } = this.#parts.rules();
          const handshake = toHandshakeHere(await judgeConnect(params, { caller, challenge, credentials }, this.#parts), say);
          meter.socketHandshake(toResult(handshake));
          return handshake;
        },
        admitted: (identity) => {
          bound();
          upgrade.known();
          if (identity.kind === "device") webSocket.once("close", this.#parts.presence.opened(identity.deviceId));
        },
        answer: async (call) => {
          const answer = await answerCall(call, { handlers, idempotency: this.#idempotency, failed, say });
          meter.socketRequest(METHODS.get(call.method)?.operation ?? null, answer.ok ? "ok" : "error");
          return answer;
        },
        failed,
      });
      this.#connections.add(connection);
      const silence = broadcast.add(connection);
      webSocket.once("close", () => {
        silence();
        this.#connections.delete(connection);
      });
    });
  }

  /** Requests that are under way are answered first. Takes no longer than both limits together, whatever clients do. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#parts.broadcast.send("shutdown", { reason: "the gateway ends" });
    await within(DRAIN_MS_MAX, () => ![...this.#connections].some((connection) => connection.isBusy));
    for (const connection of this.#connections) connection.close(CLOSE_CODES.restart, "the gateway ends");
    await within(CLOSE_MS_MAX, () => this.#connections.size === 0);
    for (const connection of this.#connections) connection.terminate();
  }

  /** @throws OperationError `Forbidden`, `NotFound`, `NotReady` */
  #check(upgrade: Upgrade): void {
    checkUpgrade(upgrade, this.#parts.rules());
    if (this.#isStopping) throw new OperationError("NotReady", "the gateway ends");
    if (pathOf(upgrade) !== "/") throw new OperationError("NotFound", "the socket is at /");
  }
}

function toHandshakeHere(handshake: Handshake, say: Say): Handshake {
  return handshake.kind === "refused" ? sayAnswer(handshake, say) : handshake;
}

function toResult(handshake: Handshake): HandshakeResult {
  if (handshake.kind === "granted") return "granted";
  return handshake.error.code === "NOT_PAIRED" ? "pairing" : "refused";
}

/** Resolves when it holds, or after so many milliseconds. */
async function within(msMax: number, holds: () => boolean): Promise<void> {
  const end = performance.now() + msMax;
  while (!holds() && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
}

/** Whoever has shown nothing sends no more than a handshake. @returns lifts the bound */
function boundStranger({ socket }: Upgrade): () => void {
  let bytes = 0;
  const count = (chunk: Buffer): void => {
    bytes += chunk.length;
    if (bytes > HANDSHAKE_FRAME_BYTES_MAX) socket.destroy();
  };
  socket.on("data", count);
  return () => void socket.off("data", count);
}
