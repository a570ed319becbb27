// Small pictures of browsers for lists: taken by a process of their own each, over a connection that is no use of the browser, and kept for a while, so that
// many who look at a list cost one picture. They are taken in turn, a few in a second, whoever asks for how many.
import PQueue from "p-queue";
import type { EpochMs } from "../../api/brands.ts";
import type { BrowserEndpoint } from "../../api/browser-session.ts";
import { OperationError } from "../../api/errors.ts";
import type { Session } from "../../api/session.ts";
import type { BrowserMeter } from "./browser-metrics.ts";
import type { BrowserPort } from "./browser-port.ts";
import { BrowserProcess, mustBe } from "./browser-process.ts";

const FRESH_MS = 20_000;
const PICTURE_MS_MAX = 15_000;
/** Each is a process for a second, on a machine on which agents work. */
const AT_ONCE_MAX = 2;
const TURN_MS = 500;
/** Of a list that is longer the rest is seen with the next look. */
const WAITING_MAX = 24;
/** A picture has some 10 KiB. */
const KEPT_MAX = 128;

export interface Picture {
  mimeType: "image/png" | "image/jpeg";
  /** Base64. */
  data: string;
  takenAt: EpochMs;
}

interface Kept {
  takenAt: EpochMs;
  picture: Promise<Picture | null>;
}

export class Thumbnails {
  readonly #port: BrowserPort;
  readonly #now: () => EpochMs;
  readonly #meter: Pick<BrowserMeter, "looked">;
  readonly #kept = new Map<string, Kept>();
  readonly #turns = new PQueue({ concurrency: AT_ONCE_MAX, interval: TURN_MS, intervalCap: 1 });

  constructor({ port, now, meter }: { port: BrowserPort; now(): EpochMs; meter: Pick<BrowserMeter, "looked"> }) {
    this.#port = port;
    this.#now = now;
    this.#meter = meter;
  }

  /** null: none runs, or it shows no picture. @throws OperationError `LimitExceeded` */
  async of(session: Session): Promise<Picture | null> {
    const endpoint = await this.#port.find(session);
    if (endpoint === null) return null;
    const key = `${endpoint.name} ${endpoint.incarnation}`;
    const kept = this.#kept.get(key);
    if (kept !== undefined && this.#now() - kept.takenAt < FRESH_MS) return await kept.picture;
    if (this.#turns.size >= WAITING_MAX) {
      if (kept !== undefined) return await kept.picture;
      throw new OperationError("LimitExceeded", "other pictures are being taken");
    }
    // The newest last: the first gives way.
    this.#kept.delete(key);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size >= KEPT_MAX && oldest !== undefined) this.#kept.delete(oldest);
    const picture = this.#turns.add(() => this.#take(endpoint));
    void picture.then((taken) => this.#meter.looked(taken === null ? "none" : "taken")).catch(() => undefined);
    this.#kept.set(key, { takenAt: this.#now(), picture });
    return await picture;
  }

  async #take(endpoint: BrowserEndpoint): Promise<Picture | null> {
    const signal = AbortSignal.timeout(PICTURE_MS_MAX);
    let process: BrowserProcess | null = null;
    try {
      process = new BrowserProcess(await this.#port.dial(endpoint, "cdp", "watch", signal));
      const answer = await process.ask({ op: "thumbnail", port: endpoint.cdpPort, ms: PICTURE_MS_MAX }, { msMax: PICTURE_MS_MAX, signal });
      const { image } = mustBe(answer, "done").result;
      return image === undefined ? null : { ...image, takenAt: this.#now() };
    } catch (error) {
      // A page that is stuck, or a browser that just went: there is no picture.
      if (error instanceof OperationError) return null;
      throw error;
    } finally {
      process?.end();
      // Its turn is over once nothing of it is left.
      await process?.ended;
    }
  }
}
