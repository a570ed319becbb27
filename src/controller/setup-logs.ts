// Keeps the output of each sandbox's newest setup, for people (`openclaw sandbox logs`), and tells it as events while it runs.
import { appendFile, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type EpochMs, elapsed, type SandboxName, SECOND_MS } from "../api/brands.ts";
import { readBounded } from "../api/store/atomic-file.ts";
import type { SetupLogView } from "../api/wire.ts";
import type { EventLog } from "./event-log.ts";

/** An apt-get of a hundred packages writes 50 KiB. What comes after the limit is left out, and said so. */
const LOG_BYTES_MAX = 1_048_576;
/** One line a second tells how far it is; the log has the rest. */
const EVENT_INTERVAL_MS = SECOND_MS;

interface Open {
  state: SetupLogView["state"];
  bytes: number;
  lastEventAt: EpochMs;
  writes: Promise<void>;
}

export class SetupLogs {
  readonly #folder: string;
  readonly #now: () => EpochMs;
  readonly #events: EventLog;
  readonly #open = new Map<SandboxName, Open>();

  private constructor(folder: string, now: () => EpochMs, events: EventLog) {
    this.#folder = folder;
    this.#now = now;
    this.#events = events;
  }

  static async open(folder: string, now: () => EpochMs, events: EventLog): Promise<SetupLogs> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return new SetupLogs(folder, now, events);
  }

  /** More output of the setup that runs; the first of one begins a new log. */
  append(name: SandboxName, chunk: Buffer): void {
    const known = this.#open.get(name);
    const open = known?.state === "running" ? known : this.#begin(name);
    const rest = LOG_BYTES_MAX - open.bytes;
    open.bytes += chunk.length;
    if (rest <= 0) return;
    const kept = chunk.length <= rest ? chunk : Buffer.concat([chunk.subarray(0, rest), Buffer.from("\n(the rest is left out)\n")]);
    open.writes = open.writes.then(() => appendFile(this.#path(name), kept)).catch(() => undefined);
    if (elapsed(open.lastEventAt, this.#now()) < EVENT_INTERVAL_MS) return;
    open.lastEventAt = this.#now();
    const line = chunk.toString("utf8").trimEnd().split("\n").at(-1)?.trim() ?? "";
    if (line !== "") this.#events.record({ type: "Normal", reason: "SetupOutput", message: line, object: { kind: "Sandbox", name } });
  }

  ended(name: SandboxName, result: "success" | "failure"): void {
    const open = this.#open.get(name) ?? this.#begin(name);
    open.state = result === "success" ? "succeeded" : "failed";
  }

  /** At most the last `tailLines` lines of the newest log, which outlives the process; its state does not. */
  async view(name: SandboxName, tailLines: number): Promise<SetupLogView> {
    const open = this.#open.get(name);
    await open?.writes;
    const read = await readBounded(this.#path(name), 2 * LOG_BYTES_MAX);
    const lines = read.kind === "read" ? read.text.split("\n") : [];
    const ends = lines.at(-1) === "" ? 1 : 0;
    const text = lines.slice(Math.max(0, lines.length - ends - tailLines)).join("\n");
    return { state: open?.state ?? "none", text, truncated: lines.length - ends > tailLines || (open?.bytes ?? 0) > LOG_BYTES_MAX };
  }

  /** The sandbox is gone for good. */
  async remove(name: SandboxName): Promise<void> {
    this.#open.delete(name);
    await rm(this.#path(name), { force: true });
  }

  #begin(name: SandboxName): Open {
    const open: Open = { state: "running", bytes: 0, lastEventAt: 0 as EpochMs, writes: writeFile(this.#path(name), "", { mode: 0o600 }) };
    this.#open.set(name, open);
    return open;
  }

  #path(name: SandboxName): string {
    return join(this.#folder, `${name}.log`);
  }
}
