// Keeps what each sandbox reached and was refused: the newest decisions in a file of its own, which outlives the process, and counts by rule since the
// start. One that floods its log pushes out its own records alone. What is decided is the proxy's.
import { appendFile, mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { type SandboxName, toSandboxName } from "../../api/brands.ts";
import type { EgressComplete } from "../../api/config/schema-sandbox.ts";
import { EgressRecord } from "../../api/egress/decision.ts";
import type { EgressLine, EgressLog as EgressLogView, EgressRuleCount } from "../../api/egress-log.ts";
import { readBounded, replaceFile, toFileError } from "../../api/store/atomic-file.ts";

/** Some 3000 decisions; as much again lies in the file before. */
const FILE_BYTES_MAX = 1_048_576;
/** Lines of all sandboxes that wait for the disk: what comes while it is full is counted alone. */
const WAITING_MAX = 20_000;
/** Rules of one sandbox that are counted by themselves. */
const COUNTED_MAX = 1_000;
/** Beyond this the oldest sandbox is forgotten: more than one engine holds. */
const SANDBOXES_MAX = 20_000;

export interface EgressMeter {
  decided(reason: Extract<EgressRecord, { kind: "decision" }>["reason"]): void;
  passed(bytesIn: number, bytesOut: number): void;
  /** Records that came faster than they are read, and how many of them were refusals. */
  lost(records: number, refused: number): void;
}

export interface EgressLogParts {
  /** `<state>/controller/egress-logs` */
  folder: string;
  meter: EgressMeter;
  writeFailed(error: unknown): void;
}

const Line = z.object({ run: z.string(), record: EgressRecord });
type Line = z.output<typeof Line>;
const Cursor = z.object({ run: z.string(), seq: z.int() });
type Cursor = z.output<typeof Cursor>;

/** As `sandbox.egress.log` says. */
type KeptDecisions = EgressComplete["log"];

/** What is known of one sandbox in memory. */
interface Known {
  /** By `allow api.example.com`, or the reason where no rule decided. */
  counts: Map<string, EgressRuleCount>;
  /** The newest line in its file. null: not looked at yet. */
  last: Cursor | null;
  bytes: number;
  /** Its end is no whole line: a kill or a full disk came in between. */
  isTorn: boolean;
}

export class EgressLog {
  readonly #parts: EgressLogParts;
  readonly #known = new Map<SandboxName, Known>();
  readonly #listeners = new Map<SandboxName, Set<(line: EgressLine) => void>>();
  #cursor: Cursor | null;
  #waiting: { name: SandboxName; line: Line }[] = [];
  #writing: Promise<void> | null = null;

  private constructor(parts: EgressLogParts, cursor: Cursor | null) {
    this.#parts = parts;
    this.#cursor = cursor;
  }

  /** @throws OperationError `HostRejected` */
  static async open(parts: EgressLogParts): Promise<EgressLog> {
    try {
      await mkdir(parts.folder, { recursive: true, mode: 0o700 });
    } catch (error) {
      throw toFileError("write", parts.folder, error);
    }
    const read = await readBounded(join(parts.folder, CURSOR_FILE), 4_096);
    return new EgressLog(parts, read.kind === "read" ? parse(Cursor, read.text) : null);
  }

  /** The newest of this run that was heard. 0: none. */
  lastOf(run: string): number {
    return this.#cursor?.run === run ? this.#cursor.seq : 0;
  }

  /** Counted is every record. @param keeps which decisions of this sandbox are kept */
  heard(run: string, record: EgressRecord, keeps: KeptDecisions): void {
    const name = toSandboxName(record.sandbox);
    this.#cursor = { run, seq: record.seq };
    this.#count(name, record);
    if (!isKept(record, keeps)) return;
    if (this.#waiting.length < WAITING_MAX) this.#waiting.push({ name, line: { run, record } });
    for (const listener of this.#listeners.get(name) ?? []) listener(toLine(record));
    this.#writing ??= this.#write().finally(() => {
      this.#writing = null;
    });
  }

  #count(name: SandboxName, record: EgressRecord): void {
    const { meter } = this.#parts;
    if (record.kind === "end") return meter.passed(record.bytesIn, record.bytesOut);
    if (record.kind === "lost") return meter.lost(record.count, record.refused);
    meter.decided(record.reason);
    const { counts } = this.#of(name);
    const { rule, reason, verdict } = record;
    const key = rule === undefined ? reason : `${rule.list} ${rule.text}`;
    const known = counts.get(key);
    if (known !== undefined) known.count += 1;
    else if (counts.size < COUNTED_MAX)
      counts.set(key, { verdict, reason, ...(rule !== undefined && { list: rule.list, rule: rule.text }), count: 1 });
  }

  #of(name: SandboxName): Known {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const oldest = this.#known.size >= SANDBOXES_MAX ? this.#known.keys().next().value : undefined;
    if (oldest !== undefined) this.#known.delete(oldest);
    const made: Known = { counts: new Map(), last: null, bytes: 0, isTorn: false };
    this.#known.set(name, made);
    return made;
  }

  /** Batch by batch, so that a flood is one write for each sandbox. */
  async #write(): Promise<void> {
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0);
      for (const [name, lines] of Map.groupBy(batch, ({ name }) => name))
        await this.#append(
          name,
          lines.map(({ line }) => line),
        ).catch(this.#parts.writeFailed);
      const cursor = batch.at(-1)?.line;
      if (cursor === undefined) continue;
      const text = `${JSON.stringify({ run: cursor.run, seq: cursor.record.seq })}\n`;
      // After the lines: what is heard again after a kill is known by the newest of each file.
      await replaceFile(join(this.#parts.folder, CURSOR_FILE), text, { durable: false }).catch(this.#parts.writeFailed);
    }
  }

  async #append(name: SandboxName, lines: readonly Line[]): Promise<void> {
    const known = this.#of(name);
    const path = this.#path(name);
    if (known.last === null) {
      const kept = await this.#read(path);
      known.last = kept.lines.at(-1) === undefined ? NOTHING : toCursor(kept.lines.at(-1) as Line);
      known.bytes = kept.bytes;
      known.isTorn = kept.isTorn;
    }
    const fresh = lines.filter(({ run, record }) => known.last?.run !== run || record.seq > known.last.seq);
    const newest = fresh.at(-1);
    if (newest === undefined) return;
    const text = fresh.map((line) => `${JSON.stringify(line)}\n`).join("");
    if (known.bytes > 0 && known.bytes + text.length > FILE_BYTES_MAX) {
      await rename(path, `${path}.1`);
      known.bytes = 0;
      known.isTorn = false;
    }
    // What was cut off ends here, and is no record. Until all of it is written, how much of it is there has to be looked at.
    const written = `${known.isTorn ? "\n" : ""}${text}`;
    known.last = null;
    await appendFile(path, written, { mode: 0o600 });
    known.bytes += Buffer.byteLength(written);
    known.isTorn = false;
    known.last = toCursor(newest);
  }

  async #read(path: string): Promise<{ lines: Line[]; bytes: number; isTorn: boolean }> {
    const read = await readBounded(path, 4 * FILE_BYTES_MAX);
    if (read.kind !== "read") return { lines: [], bytes: 0, isTorn: false };
    const lines = read.text.split("\n").flatMap((text) => parse(Line, text) ?? []);
    return { lines, bytes: Buffer.byteLength(read.text), isTorn: read.text !== "" && !read.text.endsWith("\n") };
  }

  /** The newest, oldest first, and the counts since this process started. */
  async view(name: SandboxName, tail: number): Promise<EgressLogView> {
    await this.#writing;
    const path = this.#path(name);
    const lines = [...(await this.#read(`${path}.1`)).lines, ...(await this.#read(path)).lines].map(({ record }) => toLine(record));
    const counts = [...(this.#known.get(name)?.counts.values() ?? [])].toSorted((left, right) => right.count - left.count);
    return { items: tail === 0 ? [] : lines.slice(-tail), counts };
  }

  /** @returns ends it */
  subscribe(name: SandboxName, listener: (line: EgressLine) => void): () => void {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#listeners.get(name) === listeners) this.#listeners.delete(name);
    };
  }

  /** The sandbox is gone for good. Its files go soon. */
  remove(name: SandboxName): void {
    this.#known.delete(name);
    for (const path of [this.#path(name), `${this.#path(name)}.1`]) rm(path, { force: true }).catch(this.#parts.writeFailed);
  }

  async flush(): Promise<void> {
    await this.#writing;
  }

  #path(name: SandboxName): string {
    return join(this.#parts.folder, `${name}.ndjson`);
  }
}

const CURSOR_FILE = "cursor.json";
/** A file that is not there, or has no record in it. */
const NOTHING: Cursor = { run: "", seq: 0 };

/** How connections ended is a part of what was allowed. */
function isKept(record: EgressRecord, kept: KeptDecisions): boolean {
  if (kept !== "refused") return kept === "all";
  return record.kind === "lost" || (record.kind === "decision" && record.verdict === "refused");
}

const toCursor = ({ run, record }: Line): Cursor => ({ run, seq: record.seq });
const toLine = ({ id: _, ...record }: EgressRecord): EgressLine => record;

function parse<T>(schema: z.ZodType<T>, text: string): T | null {
  if (text.trim() === "") return null;
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}
