// One connection to the gateway's WebSocket that mends itself: challenge, handshake, requests, events, and coming back after a loss.
// What it shows to get in is introduce.ts's; what the answers mean is the pages'.
import type { Challenge, HelloOk } from "../../api/gateway-protocol/connect.ts";
import type { EventPayload } from "../../api/gateway-protocol/events.ts";
import type { EventFrame, FrameError, PROTOCOL_VERSION, RequestFrame, ResponseFrame } from "../../api/gateway-protocol/frames.ts";
import type { AnswerOf, MethodName, ParamsOf } from "./methods.ts";

export const PROTOCOL = 4 satisfies typeof PROTOCOL_VERSION;

export type LinkState =
  /** Nobody has said how to get in. */
  | { kind: "idle" }
  | { kind: "connecting" }
  | { kind: "open"; hello: HelloOk }
  /** A person has to decide first; it asks again by itself. */
  | { kind: "pairing"; error: FrameError }
  /** It will not be let in with what it shows. */
  | { kind: "refused"; error: FrameError }
  /** The gateway is away; it tries again by itself. */
  | { kind: "lost"; retryAt: number; attempt: number };

/** Why a request has no answer. */
export class GatewayError extends Error {
  readonly code: FrameError["code"];
  readonly details: FrameError["details"];
  readonly retryable: boolean;

  constructor({ code, message, details, retryable }: FrameError) {
    super(message);
    this.name = "GatewayError";
    this.code = code;
    this.details = details;
    this.retryable = retryable === true;
  }

  /** What to do, where the gateway says it. */
  get fix(): string | null {
    return this.#ofProblem("fix");
  }

  /** As HTTP has it, `NotFound`, where the gateway says it. */
  get problemCode(): string | null {
    return this.#ofProblem("code");
  }

  #ofProblem(name: string): string | null {
    const problem = this.details?.problem;
    const value = typeof problem === "object" && problem !== null ? Reflect.get(problem, name) : null;
    return typeof value === "string" ? value : null;
  }
}

/** There is no connection, or it was lost before the answer came: the gateway may be there again soon. */
export class LostError extends GatewayError {
  constructor(message: string) {
    super({ code: "UNAVAILABLE", message, retryable: true });
  }
}

export interface LinkParts {
  url: string;
  open(url: string): WebSocket;
  /** The params of `connect` for this challenge. */
  introduce(challenge: Challenge): Promise<object>;
  /** The gateway let it in. */
  admitted(hello: HelloOk): void;
  now(): number;
}

export type GatewayEvent = Pick<EventFrame, "event" | "payload">;

const RETRY_MS_MIN = 250;
const RETRY_MS_MAX = 10_000;
/** A person who approves expects the page to notice at once; the gateway counts such a question as the same request. */
const PAIRING_RETRY_MS = 2_000;
/** A gateway that says nothing for two ticks is gone, whatever the network says. */
const SILENT_TICKS_MAX = 2;
/** Upstream's clients close with it when ticks stop. */
const CLOSE_SILENT = 4_000;
const CALL_MS_MAX = 120_000;
/** A terminal is open for as long as its page is. */
const TERMINAL_MS_MAX = 2_147_483_647;

interface Waiting {
  resolve(payload: unknown): void;
  reject(error: Error): void;
}

export class GatewayLink {
  readonly #parts: LinkParts;
  readonly #waiting = new Map<string, Waiting>();
  readonly #listeners = new Set<() => void>();
  readonly #eventListeners = new Set<(event: GatewayEvent) => void>();
  #state: LinkState = { kind: "connecting" };
  #linkError: FrameError | null = null;
  #socket: WebSocket | null = null;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #silence: ReturnType<typeof setTimeout> | undefined;
  #attempt = 0;
  #lastId = 0;

  constructor(parts: LinkParts) {
    this.#parts = parts;
  }

  /** A function of its own: React calls it without its object. */
  readonly state = (): LinkState => this.#state;

  /** @returns ends it */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** @returns ends it */
  onEvent(listener: (event: GatewayEvent) => void): () => void {
    this.#eventListeners.add(listener);
    return () => this.#eventListeners.delete(listener);
  }

  /**
   * Also while it waits to try again: then at once.
   *
   * @param linkError why a one-time link did not pair this browser; shown if the gateway then refuses it
   */
  connect(linkError: FrameError | null = null): void {
    this.#linkError = linkError;
    this.#dial();
    this.#become({ kind: "connecting" });
  }

  #dial(): void {
    this.#drop();
    const socket = this.#parts.open(this.#parts.url);
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => socket === this.#socket && this.#take(String(data)));
    socket.addEventListener("close", () => socket === this.#socket && this.#lost());
  }

  /** And stays so until `connect`. */
  disconnect(): void {
    this.#drop();
    this.#become({ kind: "idle" });
  }

  /** Until it ends; what it says meanwhile goes to `said`. @throws GatewayError */
  openTerminal(
    params: ParamsOf<"terminal.open">,
    said: (payload: EventPayload<"tool.output">) => void,
  ): Promise<AnswerOf<"terminal.open">> {
    const id = this.#newId();
    const stop = this.onEvent(({ event, payload }) => {
      const output = payload as EventPayload<"tool.output">;
      if (event === "tool.output" && output.callId === id) said(output);
    });
    const answer = this.#send({ type: "req", id, method: "terminal.open", params }, { signal: undefined, msMax: TERMINAL_MS_MAX });
    return (answer as Promise<AnswerOf<"terminal.open">>).finally(stop);
  }

  /** Asks once the connection is there. @throws GatewayError; the signal's reason */
  async callWhenOpen<Name extends MethodName>(method: Name, params: ParamsOf<Name>, signal: AbortSignal): Promise<AnswerOf<Name>> {
    while (this.#state.kind !== "open") await this.#changed(signal);
    return await this.call(method, params, signal);
  }

  #changed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        stop();
        signal.removeEventListener("abort", settle);
        if (signal.aborted) reject(signal.reason);
        else resolve();
      };
      const stop = this.subscribe(settle);
      if (signal.aborted) settle();
      else signal.addEventListener("abort", settle, { once: true });
    });
  }

  /** @throws GatewayError */
  call<Name extends MethodName>(method: Name, params: ParamsOf<Name>, signal?: AbortSignal): Promise<AnswerOf<Name>> {
    const frame: RequestFrame = { type: "req", id: this.#newId(), method, params };
    return this.#send(frame, { signal, msMax: CALL_MS_MAX }) as Promise<AnswerOf<Name>>;
  }

  #newId(): string {
    this.#lastId += 1;
    return String(this.#lastId);
  }

  #send(frame: RequestFrame, { signal, msMax }: { signal: AbortSignal | undefined; msMax: number }): Promise<unknown> {
    if (this.#state.kind !== "open") return Promise.reject(new LostError("the page is not connected to the gateway"));
    const { id, method } = frame;
    return new Promise((resolve, reject) => {
      const ended = AbortSignal.any([AbortSignal.timeout(msMax), ...(signal === undefined ? [] : [signal])]);
      const settle = (): void => {
        ended.removeEventListener("abort", abort);
        this.#waiting.delete(id);
      };
      const abort = (): void => {
        settle();
        reject(signal?.aborted === true ? signal.reason : toLate(method));
      };
      ended.addEventListener("abort", abort, { once: true });
      this.#waiting.set(id, {
        resolve: (payload) => {
          settle();
          resolve(payload);
        },
        reject: (error) => {
          settle();
          reject(error);
        },
      });
      this.#request(frame);
    });
  }

  #request(frame: RequestFrame): void {
    this.#socket?.send(JSON.stringify(frame));
  }

  #take(data: string): void {
    const frame: EventFrame | ResponseFrame = JSON.parse(data);
    this.#watchSilence();
    if (frame.type === "res") return this.#answer(frame);
    if (frame.event === "connect.challenge") return void this.#introduce(frame.payload as Challenge, this.#socket);
    for (const listener of this.#eventListeners) listener(frame);
  }

  async #introduce(challenge: Challenge, socket: WebSocket | null): Promise<void> {
    try {
      const params = await this.#parts.introduce(challenge);
      if (socket === this.#socket) this.#request({ type: "req", id: "connect", method: "connect", params });
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      const message = `this browser can't keep a device key (${why}): it takes Chrome 137, Firefox 129, Safari 17 or newer, and no private window`;
      if (socket === this.#socket) this.#refused({ code: "UNAUTHORIZED", message, details: { code: "NO_KEY" } });
    }
  }

  #answer(frame: ResponseFrame): void {
    if (frame.id === "connect") return frame.ok ? this.#admitted(frame.payload as HelloOk) : this.#refused(frame.error);
    const waiting = this.#waiting.get(frame.id);
    if (frame.ok) waiting?.resolve(frame.payload);
    else waiting?.reject(new GatewayError(frame.error));
  }

  #admitted(hello: HelloOk): void {
    this.#attempt = 0;
    this.#parts.admitted(hello);
    this.#become({ kind: "open", hello });
    this.#watchSilence();
  }

  #refused(error: FrameError): void {
    this.#drop();
    const { pauseReconnect, retryAfterMs } = error.details ?? {};
    const isPairing = error.code === "NOT_PAIRED" && pauseReconnect !== true;
    this.#become(isPairing ? { kind: "pairing", error } : { kind: "refused", error: this.#linkError ?? error });
    // Without `connecting` in between, so that a page that shows a code goes on showing it.
    if (isPairing) this.#retry = setTimeout(() => this.#dial(), typeof retryAfterMs === "number" ? retryAfterMs : PAIRING_RETRY_MS);
  }

  #lost(): void {
    const wasPairing = this.#state.kind === "pairing";
    this.#drop();
    const retryMs = Math.min(RETRY_MS_MIN * 2 ** this.#attempt, RETRY_MS_MAX);
    this.#attempt += 1;
    if (!wasPairing) this.#become({ kind: "lost", attempt: this.#attempt, retryAt: this.#parts.now() + retryMs });
    this.#retry = setTimeout(() => this.#dial(), retryMs);
  }

  #watchSilence(): void {
    clearTimeout(this.#silence);
    if (this.#state.kind !== "open") return;
    const { tickIntervalMs } = this.#state.hello.policy;
    this.#silence = setTimeout(() => {
      this.#socket?.close(CLOSE_SILENT, "no tick");
      this.#lost();
    }, SILENT_TICKS_MAX * tickIntervalMs);
  }

  #drop(): void {
    clearTimeout(this.#retry);
    clearTimeout(this.#silence);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
    for (const { reject } of [...this.#waiting.values()]) reject(new LostError("the connection to the gateway was lost"));
  }

  #become(state: LinkState): void {
    this.#state = state;
    for (const listener of this.#listeners) listener();
  }
}

const toLate = (method: string): GatewayError =>
  new GatewayError({ code: "UNAVAILABLE", message: `the gateway did not answer ${method} in time`, retryable: true });
