// What commands and setups printed lately, line by line, for whoever looks (`openclaw sandbox logs -f`). In memory only, and bounded in every direction: how
// much of a sandbox, of all, of one command in a second. Values of variables are hidden as everywhere, binary output and terminals are left out.
import { StringDecoder } from "node:string_decoder";
import { type EpochMs, elapsed, type SandboxName, SECOND_MS } from "../../api/brands.ts";
import type { OutputLine, OutputLines } from "../../api/output-line.ts";
import { toHead } from "../../api/text/cuts.ts";

export interface OutputLimits {
  /** Of one sandbox's lines. */
  sandboxBytesMax: number;
  /** Of all lines; the sandbox that was silent longest gives up its own first. */
  bytesMax: number;
  /** Of one command in a second; what it prints beyond is counted. */
  rateBytesMax: number;
}

/** 128 KiB are a thousand lines or two; a hundred sandboxes that talk. */
const LIMITS: OutputLimits = { sandboxBytesMax: 131_072, bytesMax: 16_777_216, rateBytesMax: 262_144 };
/** A longer line is cut. */
const LINE_LENGTH_MAX = 4_096;
/** What a line costs beside its text. */
const LINE_BYTES = 128;
/** A shorter value is part of too many words, and no secret. */
const HIDDEN_LENGTH_MIN = 6;
const HIDDEN = "(hidden)";

/** One command's, until it ends. */
export interface OutputRun {
  /** The chunk may be written over afterwards. */
  write(stream: "stdout" | "stderr", chunk: Buffer): void;
  end(note: string): void;
}

interface Ring {
  lines: OutputLine[];
  bytes: number;
  truncated: boolean;
}

export interface RunFacts {
  source: OutputLine["source"];
  /** What is said of its beginning. */
  note: string;
  /** Values that are not shown, wherever they are printed. */
  hidden: readonly string[];
}

export class OutputLog {
  readonly #now: () => EpochMs;
  readonly #limits: OutputLimits;
  /** The one that was silent longest first. */
  readonly #rings = new Map<SandboxName, Ring>();
  readonly #listeners = new Map<SandboxName, Set<() => void>>();
  #bytes = 0;
  #lastId = 0;
  #runs = 0;

  constructor(now: () => EpochMs, limits: OutputLimits = LIMITS) {
    this.#now = now;
    this.#limits = limits;
  }

  begin(name: SandboxName, { source, note, hidden }: RunFacts): OutputRun {
    this.#runs += 1;
    const run = this.#runs;
    // Lines are looked at one by one: a value of several is each of them.
    const parts = hidden.flatMap((value) => value.split("\n")).filter(({ length }) => length >= HIDDEN_LENGTH_MIN);
    const values = parts.toSorted((left, right) => right.length - left.length);
    const add = (stream: OutputLine["stream"], text: string): void =>
      this.#add(name, { source, run, stream, text: toHead(hide(text, values), LINE_LENGTH_MAX) });
    if (note !== "") add("note", note);
    return new Run({ add, now: this.#now, rateBytesMax: this.#limits.rateBytesMax });
  }

  /** Those after `afterId`; of an id that was never given, all. */
  list(name: SandboxName, afterId: number): OutputLines {
    const ring = this.#rings.get(name);
    const after = afterId > this.#lastId ? 0 : afterId;
    const items = ring?.lines.filter(({ id }) => id > after) ?? [];
    return { items, lastId: this.#lastId, truncated: ring?.truncated ?? false };
  }

  /** Calls back whenever the sandbox has a new line. @returns ends the subscription */
  subscribe(name: SandboxName, listener: () => void): () => void {
    const known = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, known.add(listener));
    return () => {
      known.delete(listener);
      if (known.size === 0) this.#listeners.delete(name);
    };
  }

  /** The sandbox is gone for good. */
  remove(name: SandboxName): void {
    this.#bytes -= this.#rings.get(name)?.bytes ?? 0;
    this.#rings.delete(name);
  }

  #add(name: SandboxName, line: Omit<OutputLine, "id" | "at">): void {
    const ring = this.#rings.get(name) ?? { lines: [], bytes: 0, truncated: false };
    this.#rings.delete(name);
    this.#rings.set(name, ring);
    this.#lastId += 1;
    ring.lines.push({ id: this.#lastId, at: this.#now(), ...line });
    this.#count(ring, toBytes(line));
    while (ring.bytes > this.#limits.sandboxBytesMax) this.#drop(ring);
    for (const [silent, { bytes }] of this.#rings) {
      if (this.#bytes <= this.#limits.bytesMax) break;
      this.#bytes -= bytes;
      this.#rings.delete(silent);
    }
    for (const listener of this.#listeners.get(name) ?? []) listener();
  }

  #drop(ring: Ring): void {
    const line = ring.lines.shift();
    ring.truncated = true;
    if (line !== undefined) this.#count(ring, -toBytes(line));
  }

  #count(ring: Ring, bytes: number): void {
    ring.bytes += bytes;
    this.#bytes += bytes;
  }
}

const toBytes = ({ text }: { text: string }): number => LINE_BYTES + 2 * text.length;

const hide = (text: string, values: readonly string[]): string => values.reduce((all, value) => all.replaceAll(value, HIDDEN), text);

interface RunParts {
  add(stream: OutputLine["stream"], text: string): void;
  now(): EpochMs;
  rateBytesMax: number;
}

class Run implements OutputRun {
  readonly #parts: RunParts;
  readonly #decoders = { stdout: new StringDecoder("utf8"), stderr: new StringDecoder("utf8") };
  readonly #rest = { stdout: "", stderr: "" };
  #secondAt: EpochMs;
  #secondBytes = 0;
  #omitted = 0;
  #isBinary = false;
  #isOver = false;

  constructor(parts: RunParts) {
    this.#parts = parts;
    this.#secondAt = parts.now();
  }

  write(stream: "stdout" | "stderr", chunk: Buffer): void {
    if (this.#isBinary || this.#isOver) return;
    if (chunk.includes(0)) {
      this.#isBinary = true;
      return this.#parts.add("note", "binary output is not shown");
    }
    if (!this.#isWithinRate(chunk.length)) {
      this.#omitted += chunk.length;
      return;
    }
    const lines = `${this.#rest[stream]}${this.#decoders[stream].write(chunk)}`.split("\n");
    const rest = lines.pop() ?? "";
    for (const line of lines) this.#parts.add(stream, line.replace(/\r$/, ""));
    const isLong = rest.length > LINE_LENGTH_MAX;
    if (isLong) this.#parts.add(stream, rest);
    this.#rest[stream] = isLong ? "" : rest;
  }

  end(note: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const stream of ["stdout", "stderr"] as const)
      if (this.#rest[stream] !== "" && !this.#isBinary) this.#parts.add(stream, this.#rest[stream]);
    this.#tellOmitted();
    this.#parts.add("note", note);
  }

  #isWithinRate(bytes: number): boolean {
    const { now, rateBytesMax } = this.#parts;
    if (elapsed(this.#secondAt, now()) >= SECOND_MS) {
      this.#tellOmitted();
      this.#secondAt = now();
      this.#secondBytes = 0;
    }
    this.#secondBytes += bytes;
    return this.#secondBytes <= rateBytesMax;
  }

  #tellOmitted(): void {
    if (this.#omitted > 0) this.#parts.add("note", `${this.#omitted} bytes came too fast and are not shown`);
    this.#omitted = 0;
  }
}
