// Keeps what calls of models used in `<state>/gateway/usage`: each call is appended to a journal before anything else is done with it, and the journal becomes
// part of a snapshot when it is long. Killed at any moment it has lost nothing and counts nothing twice. What is added up is usage-totals.ts's.
import { appendFile, rename } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "pino";
import { z } from "zod";
import { type EpochMs, toEpochMs } from "../../api/brands.ts";
import { OperationError } from "../../api/errors.ts";
import { readBounded, replaceFile, toFileError } from "../../api/store/atomic-file.ts";
import { makeFolder } from "../../api/store/group-folder.ts";
import { type Totals, type UsageEntry, UsageTotals } from "./usage-totals.ts";

/** About 250 bytes each: what is read again at a start is small. */
const JOURNAL_LINES_MAX = 1_000;
const JOURNAL_BYTES_MAX = 8 * 1_048_576;
/** 20 000 sessions and two months of a thousand agents. */
const SNAPSHOT_BYTES_MAX = 64 * 1_048_576;

const count = z.number().min(0);
const TotalsFile = z.object({
  ...{ calls: count, input: count, output: count, cacheRead: count, cacheWrite: count },
  ...{ usd: count, unpriced: count, estimated: count },
});
const Snapshot = z.object({
  version: z.literal(1),
  /** The last line of the journal that is in here. */
  sequence: z.int().min(0),
  sessions: z.array(z.tuple([z.string(), TotalsFile])),
  days: z.array(z.tuple([z.string(), z.array(z.tuple([z.string(), TotalsFile]))])),
});
const Usage = z.object({
  ...{ input: count, output: count, cacheRead: count, cacheWrite: count, reasoning: count },
  isEstimated: z.boolean(),
});
const Line = z.union([
  z.object({
    ...{ sequence: z.int().min(1), at: z.number().transform(toEpochMs), session: z.string(), agent: z.string() },
    ...{ usage: Usage, usd: count.nullable() },
  }),
  z.object({ sequence: z.int().min(1), forget: z.string() }),
]);
type Line = z.output<typeof Line>;
/** Without its number. */
type Change = UsageEntry | { forget: string };

export interface LedgerParts {
  /** Absolute. Made with the first call. */
  folder: string;
  now(): EpochMs;
  log: Pick<Logger, "error" | "warn" | "info">;
}

export class UsageLedger {
  readonly #parts: LedgerParts;
  readonly #totals: UsageTotals;
  #sequence: number;
  #lines: number;
  /** The journal does not have everything: the next write is a snapshot. */
  #isBehind: boolean;
  /** Lines that are not written yet. */
  readonly #pending: string[] = [];
  #turn: Promise<void> = Promise.resolve();

  private constructor(parts: LedgerParts, { totals, sequence, lines, isBehind }: Loaded) {
    this.#parts = parts;
    this.#totals = totals;
    this.#sequence = sequence;
    this.#lines = lines;
    this.#isBehind = isBehind;
  }

  /** What can't be read is put aside and said; counting begins anew then. */
  static async open(parts: LedgerParts): Promise<UsageLedger> {
    return new UsageLedger(parts, await load(parts));
  }

  get totals(): Omit<UsageTotals, "add" | "forget" | "toPlain"> {
    return this.#totals;
  }

  /** Counted at once; kept when it returns, unless the disk is full, which is said and made good with the next call. */
  async record(entry: UsageEntry): Promise<void> {
    this.#totals.add(entry);
    await this.#keep(entry);
  }

  /** The session begins anew, or is gone. */
  async forget(session: string): Promise<void> {
    if (this.#totals.session(session).calls === 0) return;
    this.#totals.forget(session);
    await this.#keep({ forget: session });
  }

  #keep(change: Change): Promise<void> {
    this.#sequence += 1;
    const line = JSON.stringify({ sequence: this.#sequence, ...change });
    this.#pending.push(line);
    this.#turn = this.#turn.then(() => this.#write());
    return this.#turn;
  }

  /** All that came while the write before went on: a disk syncs many lines as fast as one. */
  async #write(): Promise<void> {
    const lines = this.#pending.splice(0);
    if (lines.length === 0) return;
    try {
      if (this.#isBehind || this.#lines + lines.length > JOURNAL_LINES_MAX) await this.#compact();
      // Their own lines are in the snapshot already; at the next start their numbers say so.
      else await this.#append(lines);
      if (this.#isBehind) this.#parts.log.info("what models used is kept again");
      this.#isBehind = false;
    } catch (error) {
      if (!(error instanceof OperationError)) throw error;
      if (!this.#isBehind) this.#parts.log.error({ err: error }, "what models used could not be kept; it is in memory until the next call");
      this.#isBehind = true;
    }
  }

  async #append(lines: readonly string[]): Promise<void> {
    const { folder } = this.#parts;
    const path = join(folder, JOURNAL);
    await makeFolder(folder);
    // A limit that a loss of power takes back is none; a call of a model takes a hundred times as long.
    await appendFile(path, `${lines.join("\n")}\n`, { mode: 0o600, flush: true }).catch((error: unknown) => {
      throw toFileError("write", path, error);
    });
    this.#lines += lines.length;
  }

  async #compact(): Promise<void> {
    const { folder } = this.#parts;
    await makeFolder(folder);
    const snapshot = { version: 1, sequence: this.#sequence, ...this.#totals.toPlain() };
    await replaceFile(join(folder, SNAPSHOT), `${JSON.stringify(snapshot)}\n`, { durable: true });
    await replaceFile(join(folder, JOURNAL), "", { durable: false });
    this.#lines = 0;
  }
}

const SNAPSHOT = "usage.json";
const JOURNAL = "journal.jsonl";

interface Loaded {
  totals: UsageTotals;
  sequence: number;
  lines: number;
  isBehind: boolean;
}

async function load(parts: LedgerParts): Promise<Loaded> {
  const snapshot = await loadSnapshot(parts);
  const totals = UsageTotals.from(snapshot);
  const { lines, isWhole } = await loadJournal(parts);
  const added = lines.filter(({ sequence }) => sequence > snapshot.sequence);
  for (const line of added) {
    if ("forget" in line) totals.forget(line.forget);
    else totals.add(line);
  }
  const sequence = Math.max(snapshot.sequence, ...lines.map((line) => line.sequence));
  return { totals, sequence, lines: lines.length, isBehind: !isWhole };
}

type SnapshotContent = { sequence: number; sessions: [string, Totals][]; days: [string, [string, Totals][]][] };

async function loadSnapshot(parts: LedgerParts): Promise<SnapshotContent> {
  const empty: SnapshotContent = { sequence: 0, sessions: [], days: [] };
  const path = join(parts.folder, SNAPSHOT);
  const read = await readBounded(path, SNAPSHOT_BYTES_MAX);
  if (read.kind === "missing") return empty;
  const parsed = read.kind === "read" ? Snapshot.safeParse(parseJson(read.text)) : null;
  if (parsed?.success === true) return parsed.data;
  await putAside(parts, path, read.kind === "read" ? "it is damaged" : read.message);
  return empty;
}

/** A line that was not finished is the last one, and of a call that is not over: whoever made it was killed. */
async function loadJournal(parts: LedgerParts): Promise<{ lines: Line[]; isWhole: boolean }> {
  const path = join(parts.folder, JOURNAL);
  const read = await readBounded(path, JOURNAL_BYTES_MAX);
  if (read.kind === "missing") return { lines: [], isWhole: true };
  if (read.kind === "unreadable") {
    await putAside(parts, path, read.message);
    return { lines: [], isWhole: true };
  }
  const written = read.text.split("\n");
  const isEnded = written.pop() === "";
  const lines = written.flatMap((text) => {
    const parsed = Line.safeParse(parseJson(text));
    return parsed.success ? [parsed.data] : [];
  });
  if (lines.length < written.length) parts.log.warn({ path, lines: written.length - lines.length }, "unreadable lines of what models used");
  return { lines, isWhole: isEnded && lines.length === written.length };
}

async function putAside({ log, now }: LedgerParts, path: string, because: string): Promise<void> {
  const aside = `${path}.damaged-${now()}`;
  const moved = await rename(path, aside).then(
    () => true,
    () => false,
  );
  log.error({ path, because, ...(moved && { aside }) }, "what models used can't be read; it is counted anew");
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
