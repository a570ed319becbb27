// Docker's event stream as hints: which of our sandboxes to look at, or all of them. Events carry no facts here, and whatever may have
// been missed (a reconnect, an unreadable line) is one `relist`. What to do about a hint is the loop's business.
import type { Readable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import { z } from "zod";
import { type InstanceId, type SandboxName, toSandboxName } from "../../api/brands.ts";
import { OperationError } from "../../api/errors.ts";
import { LABEL } from "../../api/labels.ts";
import type { DockerClient } from "./docker-client.ts";
import type { Hint } from "./engine.ts";
import type { ExecEnds } from "./exec-ends.ts";

export interface WatchOptions {
  client: DockerClient;
  instance: InstanceId;
  hint: (hint: Hint) => void;
  connected: (up: boolean) => void;
  signal: AbortSignal;
  /** Told how execs ended. */
  ends: ExecEnds;
  /** Milliseconds between two checks that the engine still answers. Default 5 000: at 1 ms each they cost nothing, and a wedge is noticed within 8 s. */
  pingEveryMs?: number;
}

const PING_EVERY_MS = 5_000;
/** 0.1, 0.2, 0.4 ... 5 s: an engine restarts in 0.2 to 10 s. */
const BACKOFF_MS_MIN = 100;
const BACKOFF_MS_MAX = 5_000;
/** A line of the stream is below 4 kB with our labels; beyond this it is not an event. */
const LINE_LENGTH_MAX = 1024 * 1024;

/** Actions that change nothing that is observed; the engine sends `exec_create: COMMAND` with its command. Any other is a hint. */
const SILENT_ACTION =
  /^(exec_create|exec_detach|attach|detach|top|resize|export|copy|commit|archive-path|extract-to-dir|health_status|prune|push|save)\b/;

const RawEvent = z.object({
  Type: z.string(),
  Action: z.string().optional(),
  Actor: z.object({ ID: z.string().optional(), Attributes: z.record(z.string(), z.string()).nullish() }).optional(),
});
type RawEvent = z.infer<typeof RawEvent>;

/**
 * Watches until the signal aborts; never rejects for what the engine does. Reconnects with back-off, and each connection begins with
 * a `relist`, after the stream is up: so nothing that happens later than the look it causes goes unnoticed.
 */
export async function watchDocker(options: WatchOptions): Promise<void> {
  const { signal, connected } = options;
  let failures = 0;
  while (!signal.aborted) {
    try {
      await watchOnce(options, () => {
        failures = 0;
      });
    } catch (error) {
      if (!(error instanceof OperationError) && !signal.aborted) throw error;
    }
    connected(false);
    failures += 1;
    const backoffMs = Math.min(BACKOFF_MS_MAX, BACKOFF_MS_MIN * 2 ** Math.min(failures - 1, 10));
    await pause(backoffMs, undefined, { signal }).catch(() => {});
  }
}

async function watchOnce(options: WatchOptions, established: () => void): Promise<void> {
  const { client, instance, hint, connected, signal, ends } = options;
  const connection = new AbortController();
  const abort = (): void => connection.abort();
  signal.addEventListener("abort", abort, { once: true });
  try {
    const stream = await openStream(client, connection.signal, signal);
    const reader = new EventReader(instance, hint, ends);
    // Ids of ours, so that network events, which name only the container, are told from other people's.
    for (const each of await client.list([`${LABEL.instance}=${instance}`])) reader.learn(each.Id, each.Labels[LABEL.name]);
    established();
    ends.connected(true);
    connected(true);
    hint({ kind: "relist", cause: "connected" });
    const closed = readAll(stream, reader);
    const wedged = pingUntilWedged(options, connection.signal);
    await Promise.race([closed, wedged]);
  } finally {
    signal.removeEventListener("abort", abort);
    ends.connected(false);
    connection.abort();
  }
}

async function openStream(client: DockerClient, abortSignal: AbortSignal, signal: AbortSignal): Promise<Readable> {
  // Not filtered by action: Podman has names of its own. Nor by label: network events carry none.
  const filters = JSON.stringify({ type: ["container", "network", "image"] });
  const opened = await client.run("events", "", async () => await client.docker.getEvents({ filters, abortSignal }), { signal });
  const stream = opened as Readable & { socket?: { setKeepAlive?: (enable: boolean, delayMs: number) => void } };
  // It may break before anybody listens; `close` tells.
  stream.on("error", () => {});
  // Over TCP a vanished peer is silent for ever otherwise.
  stream.socket?.setKeepAlive?.(true, PING_EVERY_MS);
  return stream;
}

/** Resolves when the stream ends, however it ends. */
async function readAll(stream: Readable, reader: EventReader): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  stream.on("data", (chunk: Buffer) => reader.push(chunk));
  stream.once("end", resolve);
  stream.once("close", resolve);
  if (stream.destroyed) resolve();
  await promise;
}

/** Resolves when the engine does not answer any more, or on abort. */
async function pingUntilWedged(options: WatchOptions, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await pause(options.pingEveryMs ?? PING_EVERY_MS, undefined, { signal });
      await options.client.ping({ signal });
    } catch (error) {
      if (error instanceof OperationError || signal.aborted) return;
      throw error;
    }
  }
}

/** Splits the stream into lines (several in a chunk, one in several chunks) and lines into hints. */
export class EventReader {
  readonly #instance: InstanceId;
  readonly #hint: (hint: Hint) => void;
  readonly #ends: ExecEnds;
  /** Container id to name, of our own containers only: bounded by how many there are. */
  readonly #names = new Map<string, SandboxName>();
  #parts: Buffer[] = [];
  #partsBytes = 0;

  constructor(instance: InstanceId, hint: (hint: Hint) => void, ends: ExecEnds) {
    this.#instance = instance;
    this.#hint = hint;
    this.#ends = ends;
  }

  learn(id: string, name: string | undefined): void {
    if (name !== undefined) this.#names.set(id, toSandboxName(name));
  }

  push(chunk: Buffer): void {
    let from = 0;
    for (let end = chunk.indexOf(0x0a); end !== -1; end = chunk.indexOf(0x0a, from)) {
      const line = Buffer.concat([...this.#parts, chunk.subarray(from, end)]).toString("utf8");
      this.#parts = [];
      this.#partsBytes = 0;
      from = end + 1;
      this.#line(line);
    }
    const rest = chunk.subarray(from);
    if (rest.length > 0) this.#keep(rest);
  }

  #keep(rest: Buffer): void {
    this.#partsBytes += rest.length;
    if (this.#partsBytes <= LINE_LENGTH_MAX) {
      this.#parts.push(rest);
      return;
    }
    this.#parts = [];
    this.#partsBytes = 0;
    this.#hint({ kind: "relist", cause: "unreadable event" });
  }

  #line(line: string): void {
    if (line.trim() === "") return;
    const event = parseEvent(line);
    if (event === null) {
      this.#hint({ kind: "relist", cause: "unreadable event" });
      return;
    }
    const hint = this.#toHint(event);
    if (hint !== null) this.#hint(hint);
  }

  #toHint(event: RawEvent): Hint | null {
    const attributes = event.Actor?.Attributes ?? {};
    const id = event.Actor?.ID ?? "";
    if (SILENT_ACTION.test(event.Action ?? "")) return null;
    switch (event.Type) {
      case "image":
        return { kind: "relist", cause: "image" };
      case "network": {
        const name = this.#names.get(attributes.container ?? "");
        return name === undefined ? null : { kind: "name", name };
      }
      case "container": {
        if (attributes[LABEL.instance] !== this.#instance) return null;
        const name = attributes[LABEL.name];
        if (name === undefined || this.#isQuietExec(event)) return null;
        if (event.Action === "destroy" || event.Action === "remove") this.#names.delete(id);
        else this.learn(id, name);
        return { kind: "name", name: toSandboxName(name) };
      }
      default:
        return null;
    }
  }

  /** Whether it is of an exec whose use of its container is known here. How it ended is told in any case, and so is what happened to a container itself. */
  #isQuietExec({ Action = "", Actor }: RawEvent): boolean {
    const { execID, exitCode } = Actor?.Attributes ?? {};
    if (execID === undefined) {
      this.#ends.stirred(Actor?.ID ?? "");
      return false;
    }
    const isQuiet = this.#ends.isQuiet(execID);
    if (Action === "exec_die" && exitCode !== undefined && /^\d{1,3}$/.test(exitCode)) this.#ends.told(execID, Number(exitCode));
    return isQuiet;
  }
}

function parseEvent(line: string): RawEvent | null {
  try {
    return RawEvent.parse(JSON.parse(line));
  } catch {
    return null;
  }
}
