// One connection of the socket: the challenge, the handshake, then requests and events, until either side ends it. Everything about it is
// bounded, before the handshake more than after. What a request does is calls.ts's; who may in, handshake.ts's.
import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import { type Challenge, HelloOk } from "../../api/gateway-protocol/connect.ts";
import { type EventName, type EventPayload, eventNamesFor, mayHear } from "../../api/gateway-protocol/events.ts";
import {
  BUFFERED_BYTES_MAX,
  CLOSE_CODES,
  FRAME_BYTES_MAX,
  FRAME_DEPTH_MAX,
  HANDSHAKE_MS_MAX,
  PROTOCOL_VERSION,
  REQUESTS_UNDER_WAY_MAX,
  RequestFrame,
  TICK_INTERVAL_MS,
} from "../../api/gateway-protocol/frames.ts";
import { methodNamesFor } from "../../api/gateway-protocol/methods.ts";
import type { Identity } from "../devices/identity.ts";
import type { ToolEvent } from "../tools/tool-port.ts";
import { type SocketAnswer, toFrameError } from "./answer.ts";
import type { Broadcast, Told } from "./broadcast.ts";
import type { SocketCall } from "./calls.ts";
import { type BatchTimer, type EncodedEvent, EventBatch, encodeEvent } from "./event-batch.ts";
import { isDeeper } from "./frame-depth.ts";
import type { Handshake } from "./refusal.ts";

/** Of all connections together. */
export interface EventCounts {
  sent: number;
  lost: number;
}

export interface ConnectionParts {
  socket: WebSocket;
  /** Under the socket. */
  stream: Duplex;
  batchTimer: BatchTimer;
  connId: string;
  nonce: string;
  version: string;
  broadcast: Broadcast;
  counts: EventCounts;
  now(): number;
  /** Milliseconds since the gateway began. */
  uptimeMs(): number;
  judge(params: unknown, challenge: Challenge): Promise<Handshake>;
  /** It has shown who it is. */
  admitted(identity: Identity): void;
  answer(call: SocketCall): Promise<SocketAnswer>;
  /** Told of a bug; the connection ends. */
  failed(error: unknown): void;
}

/** A slow reader is asked for so often whether it has read on. */
const DRAIN_LOOK_MS = 20;
/** A client that may no longer be there is given so long to close. */
const CUT_MS_MAX = 500;

export class Connection {
  readonly #parts: ConnectionParts;
  readonly #gone = new AbortController();
  readonly #handshakeTimer: NodeJS.Timeout;
  #ticks: NodeJS.Timeout | null = null;
  readonly #challenge: Challenge;
  /** null: nobody has been let in. */
  #identity: Identity | null = null;
  #isConnecting = false;
  readonly #batch: EventBatch;
  #seq = 0;
  /** Numbers of events that were not sent, and that the client has not been told of. */
  #lost: { from: number; to: number } | null = null;
  #underWay = 0;

  constructor(parts: ConnectionParts) {
    this.#parts = parts;
    const { socket, stream, batchTimer, nonce, now } = parts;
    this.#batch = new EventBatch({ stream, timer: batchTimer, isOpen: () => socket.readyState === socket.OPEN });
    this.#challenge = { nonce, ts: now() };
    this.#handshakeTimer = setTimeout(() => this.close(CLOSE_CODES.policy, "handshake timeout"), HANDSHAKE_MS_MAX).unref();
    socket.on("message", (data: Buffer, isBinary: boolean) => {
      this.#take(data, isBinary).catch((error: unknown) => {
        parts.failed(error);
        socket.terminate();
      });
    });
    socket.on("error", () => socket.terminate());
    socket.once("close", () => {
      clearTimeout(this.#handshakeTimer);
      if (this.#ticks !== null) clearInterval(this.#ticks);
      this.#gone.abort();
      this.#batch.drop();
    });
    socket.send(JSON.stringify({ type: "event", event: "connect.challenge", payload: this.#challenge }));
  }

  /** Who is at the other end. */
  get kind(): "stranger" | "owner" | "device" {
    return this.#identity === null || this.#identity.kind === "secret" ? "stranger" : this.#identity.kind;
  }

  /** An answer that its client has not read yet is under way too. */
  get isBusy(): boolean {
    return this.#underWay > 0;
  }

  /** Nothing, where the connection may not hear of it. */
  hear(told: Told): void {
    if (this.#identity === null || !mayHear(this.#identity.scopes, told.event)) return;
    this.#sendEvent(told);
  }

  /** Of this connection alone, and at once. */
  #event<Name extends EventName>(event: Name, payload: EventPayload<Name>): void {
    this.#sendEvent(encodeEvent(event, JSON.stringify(payload)));
    this.#batch.flush();
  }

  /** Lost, with its number, when the client has not read what came before it; told so as soon as it reads again. */
  #sendEvent(event: EncodedEvent): void {
    const { socket } = this.#parts;
    if (socket.readyState !== socket.OPEN) return;
    if (socket.bufferedAmount + this.#batch.bytes > BUFFERED_BYTES_MAX) {
      this.#seq += 1;
      this.#parts.counts.lost += 1;
      this.#lost = { from: this.#lost?.from ?? this.#seq, to: this.#seq };
      return;
    }
    const lost = this.#lost;
    this.#lost = null;
    if (lost !== null) this.#write(encodeEvent("events.lost", JSON.stringify(lost)));
    this.#write(event);
  }

  #write(event: EncodedEvent): void {
    this.#seq += 1;
    this.#parts.counts.sent += 1;
    this.#batch.add(event, this.#seq);
  }

  close(code: number, reason: string): void {
    this.#batch.flush();
    this.#parts.socket.close(code, reason);
  }

  /** What it was let in for is no more: nothing of it is taken or answered from now on. */
  cut(): void {
    this.#gone.abort();
    this.#batch.drop();
    this.close(CLOSE_CODES.policy, "device access changed");
    setTimeout(() => this.terminate(), CUT_MS_MAX).unref();
  }

  /** Without a word to the client. */
  terminate(): void {
    this.#parts.socket.terminate();
  }

  async #take(data: Buffer, isBinary: boolean): Promise<void> {
    if (this.#gone.signal.aborted) return;
    const frame = isBinary ? null : parseFrame(data);
    if (frame === null) return this.close(CLOSE_CODES.protocol, "not a request frame");
    if (this.#identity === null) return await this.#connect(frame);
    await this.#request(frame, this.#identity);
  }

  /** Once: the challenge is used up by the first answer to it. */
  async #connect({ id, method, params }: RequestFrame): Promise<void> {
    if (this.#isConnecting || method !== "connect") return this.close(CLOSE_CODES.policy, "the first request is connect, once");
    this.#isConnecting = true;
    const handshake = await this.#parts.judge(params, this.#challenge);
    if (this.#gone.signal.aborted) return;
    if (handshake.kind === "refused") {
      this.#send({ type: "res", id, ok: false, error: handshake.error });
      return this.close(CLOSE_CODES.policy, handshake.reason);
    }
    clearTimeout(this.#handshakeTimer);
    const { identity, deviceToken, resume } = handshake;
    this.#identity = identity;
    if (identity.kind === "device") identity.revoked.addEventListener("abort", () => this.cut(), { signal: this.#gone.signal });
    if (identity.kind === "device" && identity.revoked.aborted) return this.cut();
    this.#parts.admitted(identity);
    const missed = resume === undefined ? undefined : this.#parts.broadcast.since(resume);
    this.#send({ type: "res", id, ok: true, payload: this.#hello(identity, { deviceToken, missed }) });
    for (const told of missed ?? []) this.hear(told);
    this.#ticks = setInterval(() => this.#event("tick", { ts: this.#parts.now() }), TICK_INTERVAL_MS).unref();
  }

  /** @param missed undefined: the client did not ask to go on. null: it can't */
  #hello(
    { scopes }: Identity,
    { deviceToken, missed }: { deviceToken: string | undefined; missed: readonly Told[] | null | undefined },
  ): HelloOk {
    const { version, connId, now, uptimeMs, broadcast } = this.#parts;
    return HelloOk.parse({
      type: "hello-ok",
      protocol: PROTOCOL_VERSION,
      server: { version, connId },
      features: { methods: methodNamesFor(scopes), events: eventNamesFor(scopes) },
      snapshot: { presence: [], health: { ts: now() }, stateVersion: { presence: 0, health: 0 }, uptimeMs: Math.round(uptimeMs()) },
      auth: { role: "operator", scopes: [...scopes], ...(deviceToken !== undefined && { deviceToken, issuedAtMs: now() }) },
      events: { cursor: broadcast.cursor, ...(missed !== undefined && { resumed: missed !== null }) },
      policy: { maxPayload: FRAME_BYTES_MAX, maxBufferedBytes: BUFFERED_BYTES_MAX, tickIntervalMs: TICK_INTERVAL_MS },
    });
  }

  async #request({ id, method, params }: RequestFrame, identity: Identity): Promise<void> {
    if (this.#underWay >= REQUESTS_UNDER_WAY_MAX) {
      const message = `${REQUESTS_UNDER_WAY_MAX} requests of this connection are under way already`;
      return this.#send({ type: "res", id, ok: false, error: { code: "UNAVAILABLE", message, retryable: true } });
    }
    this.#underWay += 1;
    try {
      const emit = (event: ToolEvent): Promise<void> => this.#report(id, event);
      const answer = await this.#parts.answer({ method, params, identity, signal: this.#gone.signal, emit });
      await this.#sendWhole({ type: "res", id, ...answer });
    } catch (error) {
      await this.#sendWhole({ type: "res", id, ok: false, error: toFrameError(error) });
    } finally {
      this.#underWay -= 1;
    }
  }

  /** What a tool says waits for its reader, so that a slow one slows down its own tool and loses nothing. */
  async #report(callId: string, event: ToolEvent): Promise<void> {
    const { socket } = this.#parts;
    while (socket.bufferedAmount > BUFFERED_BYTES_MAX / 2 && !this.#gone.signal.aborted)
      await new Promise((resolve) => setTimeout(resolve, DRAIN_LOOK_MS));
    if (event.kind === "stdout" || event.kind === "stderr")
      return this.#event("tool.output", { callId, kind: event.kind, data: event.chunk.toString("base64") });
    this.#event("tool.output", { callId, ...event });
  }

  /** Resolves when the kernel has all of it, or the client is gone: a client that does not read holds up its own requests, and no memory beyond theirs. */
  async #sendWhole(frame: object): Promise<void> {
    const { socket } = this.#parts;
    const text = JSON.stringify(frame);
    this.#batch.flush();
    if (socket.readyState === socket.OPEN) await new Promise<void>((resolve) => socket.send(text, () => resolve()));
  }

  #send(frame: object): void {
    const { socket } = this.#parts;
    this.#batch.flush();
    if (socket.readyState === socket.OPEN) socket.send(JSON.stringify(frame));
  }
}

/** null: it is none. */
function parseFrame(data: Buffer): RequestFrame | null {
  if (isDeeper(data, FRAME_DEPTH_MAX)) return null;
  try {
    return RequestFrame.parse(JSON.parse(data.toString("utf8")));
  } catch {
    return null;
  }
}
