// Browsers of sessions as the gateway reaches them: it marks the session's file, waits until the controller has one ready, and connects to its ports, all
// through the controller's stream socket. What a tool does with a browser is its caller's.
import type { Duplex } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import type { SessionKey } from "../../api/brands.ts";
import type { BrowserEndpoint, BrowserPortName, BrowserSession, BrowserUse } from "../../api/browser-session.ts";
import { isErrorCode, OperationError } from "../../api/errors.ts";
import type { Session } from "../../api/session.ts";
import { toQuery } from "../../api/view-client.ts";
import { type StreamClient, toNotReady, toSessionPath } from "./stream-client.ts";
import { waitUntilReady } from "./wait-ready.ts";

export interface BrowserStreamParts {
  client: StreamClient;
  /** Marks in the session's file that it wants a browser, and that it wants none. On the disk when they resolve. */
  marks: { wanted(key: SessionKey): Promise<void>; unwanted(key: SessionKey): Promise<void> };
}

/** The controller reads a session's file within some 10 ms of its writing. */
const RELEASE_TRIES_MAX = 20;
const RELEASE_PAUSE_MS = 50;

export class BrowserStream {
  readonly #parts: BrowserStreamParts;

  constructor(parts: BrowserStreamParts) {
    this.#parts = parts;
  }

  /**
   * From now on the session wants a browser, until `stop` or for as long as nobody uses it (`prune.idleHours`). Resolves once DevTools answers.
   * @throws OperationError why none is ready, with what a person does about it
   */
  async open({ spec: { key } }: Session, signal: AbortSignal): Promise<BrowserEndpoint> {
    const { client, marks } = this.#parts;
    // Before anything is written: a controller that knows no browsers could not read the file.
    const first = await this.#look(key);
    if (first.blocked && first.reason === "Forbidden") throw new OperationError("Forbidden", first.message);
    await marks.wanted(key);
    if (first.endpoint !== null) return first.endpoint;
    const watch = (over: AbortSignal): AsyncIterable<BrowserSession> => client.watchSessionBrowser(key, over);
    const { endpoint, ...view } = await waitUntilReady({ first, watch, onProgress: () => undefined, signal });
    if (endpoint === null) throw toNotReady(view);
    return endpoint;
  }

  async find({ spec: { key } }: Session): Promise<BrowserEndpoint | null> {
    return (await this.#look(key)).endpoint;
  }

  /**
   * Bytes to and from a port of this very run of the browser. Ending one connection ends no other.
   * @param signal ends the wait for it; the connection ends with its stream
   * @throws OperationError `StaleHandle`: that run is over; `NotReady`
   */
  async dial(endpoint: BrowserEndpoint, port: BrowserPortName, use: BrowserUse, signal: AbortSignal): Promise<Duplex> {
    const { sessionKey, uid, incarnation } = endpoint;
    return await this.#parts.client.connect(
      `${toSessionPath(sessionKey)}/browser/dial?${toQuery({ port, use, uid, incarnation })}`,
      signal,
    );
  }

  /** The session wants none any more: it goes at once, unless other sessions that share it want it. */
  async stop({ spec: { key } }: Session): Promise<void> {
    const { client, marks } = this.#parts;
    await marks.unwanted(key);
    for (let tries = 1; ; tries += 1) {
      try {
        await client.releaseBrowser(key);
        return;
      } catch (error) {
        if (!isErrorCode(error, "NotReady") || tries >= RELEASE_TRIES_MAX) throw error;
        await pause(RELEASE_PAUSE_MS);
      }
    }
  }

  async #look(key: string): Promise<BrowserSession> {
    try {
      return await this.#parts.client.sessionBrowser(key);
    } catch (error) {
      if (!isErrorCode(error, "NotFound")) throw error;
      throw new OperationError("ControllerUnreachable", "the controller knows no browsers: it is of an older version", {
        fix: "restart it with this version of openclaw",
        cause: error,
      });
    }
  }
}
