// The browsers that the gateway speaks to now: one process for each, begun with the first call, ended when no call came for a while, so that a connection
// that nobody uses keeps no browser from being pruned. Which browser a session has, and whether it runs, is the port's to say.
import type { Logger } from "pino";
import type { BrowserEndpoint } from "../../api/browser-session.ts";
import { OperationError } from "../../api/errors.ts";
import type { Session } from "../../api/session.ts";
import type { BrowserActionResult, BrowserMeter } from "./browser-metrics.ts";
import type { BrowserPort } from "./browser-port.ts";
import { BrowserProcess, mustBe, toSaid } from "./browser-process.ts";
import type { BrowserAction, ProcessRequest } from "./child/messages.ts";
import type { BrowserResult, ProcessAnswer } from "./process-answer.ts";

/** Each has some 120 MiB. */
const PROCESSES_MAX = 16;
/** A model takes less from one call to the next. */
const IDLE_MS = 120_000;
/** A program that starts on a busy machine, and a browser that was just made. */
const CONNECT_MS_MAX = 30_000;
const FILE_MS_MAX = 60_000;

interface Connected {
  process: BrowserProcess;
  /** Settled once it can be asked. */
  connected: Promise<unknown>;
  calls: number;
  idle: NodeJS.Timeout | null;
}

export interface BrowserCall {
  session: Session;
  /** For each part of it. */
  msMax: number;
  signal: AbortSignal;
}

/** What came of an action. `isError`: the page, or the browser, did not do it, as a command that fails. */
export type BrowserOutcome = BrowserResult & { isError: boolean };

export interface BrowsersParts {
  port: BrowserPort;
  /** Where people reach the gateway's pages, without a slash at the end. */
  pages(): string;
  log: Logger;
  meter: BrowserMeter;
}

export class Browsers {
  readonly #parts: BrowsersParts;
  /** By the run of a browser: another run has nothing of what this one was told. */
  readonly #connected = new Map<string, Connected>();

  constructor(parts: BrowsersParts) {
    this.#parts = parts;
  }

  /** Starts the browser where it does not run. @throws OperationError what keeps it from running */
  async start({ session, signal }: Pick<BrowserCall, "session" | "signal">): Promise<BrowserEndpoint> {
    return await this.#parts.port.open(session, signal);
  }

  /** null: none is ready, and none is started. */
  async find(session: Session): Promise<BrowserEndpoint | null> {
    return await this.#parts.port.find(session);
  }

  /** What an agent may pass on to a person: whoever opens it has to sign in. `watch` is null where there is no screen. */
  addressesOf({ spec: { key } }: Session, { name, vncPort }: BrowserEndpoint): { control: string; watch: string | null } {
    const pages = this.#parts.pages();
    const watch = vncPort === null ? null : `${pages}/sessions/${encodeURIComponent(key)}/browser`;
    return { control: `${pages}/sandboxes/${name}`, watch };
  }

  async stop(session: Session): Promise<void> {
    const endpoint = await this.#parts.port.find(session);
    if (endpoint !== null) this.#connected.get(toKey(endpoint))?.process.end();
    await this.#parts.port.stop(session);
  }

  /** @throws OperationError `InvalidArgument`, `EngineFailed` (its process was lost), and as `start` */
  async run(call: BrowserCall, action: BrowserAction): Promise<BrowserOutcome> {
    const begun = performance.now();
    const done = (result: BrowserActionResult): void => this.#parts.meter.acted(action.kind, result, (performance.now() - begun) / 1_000);
    try {
      const answer = await this.#use(call, async (ask) => await ask({ op: "run", action, ms: call.msMax }, call.msMax));
      const outcome: BrowserOutcome =
        answer.kind === "failed" ? { text: toSaid(answer.message), isError: true } : { ...mustBe(answer, "done").result, isError: false };
      done(outcome.isError ? "failure" : "success");
      return outcome;
    } catch (error) {
      done(call.signal.aborted ? "aborted" : "error");
      throw error;
    }
  }

  /** Processes that there are. */
  get count(): number {
    return this.#connected.size;
  }

  /** Gives the process a file for an `upload` that names it. @param content of `PIECE_BYTES_MAX` each, at most */
  async stage(call: BrowserCall, { file, name }: { file: string; name: string }, content: AsyncIterable<Uint8Array>): Promise<void> {
    await this.#use(call, async (ask) => {
      for await (const piece of content)
        mustBe(await ask({ op: "stage", file, name, data: Buffer.from(piece).toString("base64") }, FILE_MS_MAX), "done");
    });
  }

  /** What a page offered, as it is read. @throws OperationError when it ends before it has so many bytes */
  async *read(call: BrowserCall, { file, bytes }: { file: string; bytes: number }): AsyncGenerator<Uint8Array> {
    for (let offset = 0; offset < bytes; ) {
      const answer = await this.#use(call, async (ask) => await ask({ op: "read", file, offset }, FILE_MS_MAX));
      const piece = Buffer.from(mustBe(answer, "piece").data, "base64").subarray(0, bytes - offset);
      if (piece.length === 0) throw new OperationError("EngineFailed", `the browser has only ${offset} of ${bytes} bytes of the file`);
      offset += piece.length;
      yield piece;
    }
  }

  async forget(call: BrowserCall, file: string): Promise<void> {
    await this.#use(call, async (ask) => await ask({ op: "forget", file }, FILE_MS_MAX));
  }

  /** Ends every process. The browsers go on. */
  async end(): Promise<void> {
    const all = [...this.#connected.values()];
    for (const { process } of all) process.end();
    await Promise.all(all.map(({ process }) => process.ended));
  }

  async #use<Result>({ session, signal }: BrowserCall, work: (ask: Ask) => Promise<Result>): Promise<Result> {
    const endpoint = await this.#parts.port.open(session, signal);
    const connected = this.#findConnected(endpoint) ?? (await this.#connect(endpoint, signal));
    connected.calls += 1;
    if (connected.idle !== null) clearTimeout(connected.idle);
    try {
      await connected.connected;
      return await work((request, msMax) => connected.process.ask(request, { msMax, signal }));
    } finally {
      connected.calls -= 1;
      if (connected.calls === 0) connected.idle = setTimeout(() => connected.process.end(), IDLE_MS);
    }
  }

  /** One that is over answers nothing, although something of it may be left for a moment. */
  #findConnected(endpoint: BrowserEndpoint): Connected | null {
    const found = this.#connected.get(toKey(endpoint));
    return found === undefined || found.process.isOver ? null : found;
  }

  async #connect(endpoint: BrowserEndpoint, signal: AbortSignal): Promise<Connected> {
    const key = toKey(endpoint);
    if (this.#connected.size >= PROCESSES_MAX) this.#makeRoom();
    const { port, log, meter } = this.#parts;
    const stream = await port.dial(endpoint, "cdp", "tool", signal);
    const other = this.#findConnected(endpoint);
    if (other !== null) {
      stream.destroy();
      return other;
    }
    const process = new BrowserProcess(stream);
    const request = { op: "connect", port: endpoint.cdpPort, ms: CONNECT_MS_MAX } as const;
    // Whoever asked for it may go: it is there for the next call too.
    const asked = process.ask(request, { msMax: CONNECT_MS_MAX, signal: new AbortController().signal });
    const connected = asked.then((answer) => mustBe(answer, "done"));
    const entry: Connected = { process, connected, calls: 0, idle: null };
    connected.catch(() => process.end());
    this.#connected.set(key, entry);
    void process.ended.then(() => {
      if (this.#connected.get(key) === entry) this.#connected.delete(key);
      if (entry.idle !== null) clearTimeout(entry.idle);
      if (process.isLost) meter.lost();
      if (process.errors !== "") log.warn({ browser: endpoint.name, errors: process.errors }, "browser process ended");
    });
    return entry;
  }

  /** @throws OperationError `LimitExceeded` */
  #makeRoom(): void {
    const unused = [...this.#connected.values()].find(({ calls }) => calls === 0);
    if (unused === undefined) throw new OperationError("LimitExceeded", `${PROCESSES_MAX} browsers are in use already`);
    unused.process.end();
  }
}

type Ask = (request: ProcessRequest, msMax: number) => Promise<ProcessAnswer>;

const toKey = ({ name, incarnation }: BrowserEndpoint): string => `${name} ${incarnation}`;
