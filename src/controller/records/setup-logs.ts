// Keeps the output of each sandbox's newest setup, for people (`openclaw sandbox logs`), and tells it as events while it runs.
import { appendFile, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type EpochMs, elapsed, type SandboxName, SECOND_MS } from "../../api/brands.ts";
import { readBounded, toFileError } from "../../api/store/atomic-file.ts";
import { toSafeEnd } from "../../api/text/cuts.ts";
import type { SetupLogView } from "../../api/wire.ts";
import type { EventLog } from "./event-log.ts";

/** An apt-get of a hundred packages writes 50 KiB. What comes after the limit is left out, and said so. */
const LOG_BYTES_MAX = 1_048_576;
/** One line a second tells how far it is; the log has the rest. */
const EVENT_INTERVAL_MS = SECOND_MS;

export interface SetupLogsParts {
  /** `<state>/controller/setup-logs` */
  folder: string;
  now(): EpochMs;
  events: EventLog;
  /** Told once for each log that could not be written whole, or not be removed. */
  writeFailed(name: SandboxName, error: unknown): void;
}

interface Open {
  state: SetupLogView["state"];
  bytes: number;
  lastEventAt: EpochMs;
  /** One after the other; never rejects. */
  writes: Promise<void>;
  isWhole: boolean;
}

export class SetupLogs {
  readonly #parts: SetupLogsParts;
  readonly #open = new Map<SandboxName, Open>();

  private constructor(parts: SetupLogsParts) {
    this.#parts = parts;
  }

  /** @throws OperationError `HostRejected` */
  static async open(parts: SetupLogsParts): Promise<SetupLogs> {
    try {
      await mkdir(parts.folder, { recursive: true, mode: 0o700 });
      return new SetupLogs(parts);
    } catch (error) {
      throw toFileError("write", parts.folder, error);
    }
  }

  /** More output of the setup that runs; the first of one begins a new log. */
  append(name: SandboxName, chunk: Buffer): void {
    const known = this.#open.get(name);
    const open = known?.state === "running" ? known : this.#begin(name);
    const rest = LOG_BYTES_MAX - open.bytes;
    open.bytes += chunk.length;
    if (rest <= 0) return;
    const kept =
      chunk.length <= rest ? chunk : Buffer.concat([chunk.subarray(0, toSafeEnd(chunk, rest)), Buffer.from("\n(the rest is omitted)\n")]);
    this.#write(name, open, (path) => appendFile(path, kept));
    const { now, events } = this.#parts;
    if (elapsed(open.lastEventAt, now()) < EVENT_INTERVAL_MS) return;
    open.lastEventAt = now();
    const line = chunk.toString("utf8").trimEnd().split("\n").at(-1)?.trim() ?? "";
    if (line !== "") events.record({ type: "Normal", reason: "SetupOutput", message: line, object: { kind: "Sandbox", name } });
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

  /** The sandbox is gone for good. Its file goes soon. */
  remove(name: SandboxName): void {
    this.#open.delete(name);
    rm(this.#path(name), { force: true }).catch((error: unknown) => this.#parts.writeFailed(name, error));
  }

  #begin(name: SandboxName): Open {
    const open: Open = { state: "running", bytes: 0, lastEventAt: 0 as EpochMs, writes: Promise.resolve(), isWhole: true };
    this.#open.set(name, open);
    this.#write(name, open, (path) => writeFile(path, "", { mode: 0o600 }));
    return open;
  }

  #write(name: SandboxName, open: Open, write: (path: string) => Promise<void>): void {
    open.writes = open.writes
      .then(() => write(this.#path(name)))
      .catch((error: unknown) => {
        if (open.isWhole) this.#parts.writeFailed(name, error);
        open.isWhole = false;
      });
  }

  #path(name: SandboxName): string {
    return join(this.#parts.folder, `${name}.log`);
  }
}
