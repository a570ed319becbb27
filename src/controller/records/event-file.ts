// Where events lie on disk: lines of JSON that are only appended, and compacted into a new file when there are many more than are kept.
// What the lines mean is event-log.ts's.
import { appendFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { toEpochMs } from "../../api/brands.ts";
import type { SandboxEvent } from "../../api/event.ts";
import { readBounded, replaceFile, toFileError } from "../../api/store/atomic-file.ts";

export interface EventLine {
  event: SandboxEvent;
  /** Id of the event that this one counts on from. null: it is a new one. */
  replaces: number | null;
  /** Whether its message stands for several different ones. */
  combined: boolean;
}

const Time = z.number().transform(toEpochMs);

const LineSchema = z.object({
  event: z.object({
    id: z.int().min(1),
    type: z.enum(["Normal", "Warning"]),
    reason: z.string(),
    message: z.string(),
    count: z.int().min(1),
    firstSeen: Time,
    lastSeen: Time,
    object: z.object({ kind: z.enum(["Sandbox", "Config", "Session", "Controller"]), name: z.string() }),
    reconcileId: z.string().exactOptional(),
  }),
  replaces: z.int().nullable(),
  combined: z.boolean(),
});

/** Four times as many lines as events are kept (4096), so that a compaction pays for 12 288 appends. */
const LINES_MAX = 16_384;
/** So many lines of 1 KiB of message and as much around it. */
const FILE_BYTES_MAX = 2 * 2_048 * LINES_MAX;
/** Lines that wait for the disk; if there are more, the next write is a compacted file, which needs none of them. */
const BACKLOG_MAX = 16_384;

export class EventFile {
  readonly #path: string;
  readonly #writeFailed: (error: unknown) => void;
  #backlog: EventLine[] = [];
  #lineCount: number;
  #writing: Promise<void> | null = null;
  #allLines: (() => EventLine[]) | null = null;

  private constructor(path: string, lineCount: number, writeFailed: (error: unknown) => void) {
    this.#path = path;
    this.#lineCount = lineCount;
    this.#writeFailed = writeFailed;
  }

  /**
   * Junk is left out; `isDamaged` says that there was some. A torn last line is none: that is what a kill -9 leaves.
   * @throws OperationError `HostRejected` when the folder can't be made
   */
  static async open(
    folder: string,
    writeFailed: (error: unknown) => void,
  ): Promise<{ file: EventFile; lines: EventLine[]; isDamaged: boolean }> {
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
    } catch (error) {
      throw toFileError("write", folder, error);
    }
    const path = join(folder, "events.jsonl");
    const read = await readBounded(path, FILE_BYTES_MAX);
    const texts = read.kind === "read" ? read.text.split("\n") : [];
    const parsed = texts.map(parseLine);
    const lines = parsed.filter((line) => line !== null);
    const isDamaged = read.kind === "unreadable" || parsed.some((line, at) => line === null && at < texts.length - 1 && texts[at] !== "");
    // What is not a clean end is compacted away by the next write, so that nothing is ever appended to a torn line.
    const isClean = read.kind === "missing" || (read.kind === "read" && (texts.at(-1) ?? "") === "");
    return { file: new EventFile(path, isClean ? texts.length : LINES_MAX, writeFailed), lines, isDamaged };
  }

  /** Written soon. @param allLines what a compacted file holds, asked when one is written */
  append(line: EventLine, allLines: () => EventLine[]): void {
    this.#allLines = allLines;
    if (this.#backlog.length < BACKLOG_MAX) this.#backlog.push(line);
    else this.#lineCount = LINES_MAX;
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = null;
    });
  }

  async flush(): Promise<void> {
    await this.#writing;
  }

  async #writeAll(): Promise<void> {
    // In a later task: the events of one pass are one write.
    await Promise.resolve();
    while (this.#backlog.length > 0) {
      const lines = this.#backlog;
      this.#backlog = [];
      try {
        await this.#write(lines);
      } catch (error) {
        // A part of a line may be there: the next write makes a whole file.
        this.#lineCount = LINES_MAX;
        this.#writeFailed(error);
      }
    }
  }

  async #write(lines: readonly EventLine[]): Promise<void> {
    if (this.#lineCount + lines.length > LINES_MAX && this.#allLines !== null) {
      const all = this.#allLines();
      // What waits is among them.
      this.#backlog = [];
      await replaceFile(this.#path, renderLines(all), { durable: false });
      this.#lineCount = all.length;
      return;
    }
    try {
      await appendFile(this.#path, renderLines(lines), { mode: 0o600 });
    } catch (error) {
      throw toFileError("write", this.#path, error);
    }
    this.#lineCount += lines.length;
  }
}

const renderLines = (lines: readonly EventLine[]): string => lines.map((line) => `${JSON.stringify(line)}\n`).join("");

function parseLine(text: string): EventLine | null {
  if (text === "") return null;
  try {
    return LineSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}
