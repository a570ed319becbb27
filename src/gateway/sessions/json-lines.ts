// A file of JSON lines: appended, never rewritten. A line that a crash cut short is recognised on first look and removed; whatever was acknowledged is
// on the disk. What a line means is its reader's: transcript.ts has the messages of a conversation, agent/ what its runs did.
import { constants } from "node:fs";
import { type FileHandle, open, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { errnoOf } from "../../api/errno.ts";
import { OperationError } from "../../api/errors.ts";
import { syncFolder, toFileError } from "../../api/store/atomic-file.ts";
import { makeFolder } from "../../api/store/group-folder.ts";

const READ_BYTES = 262_144;
/** What one page holds. A line alone may have more. */
const PAGE_BYTES_MAX = 4_194_304;
const NEWLINE = 0x0a;

export interface JsonLinesFormat {
  bytesMax: number;
  /** Whether this value is what such a line may be. Lines at the end that are not are taken for what a power cut left, and removed. */
  isLine(value: unknown): boolean;
}

export class JsonLines {
  readonly #path: string;
  readonly #format: JsonLinesFormat;
  /** Where each line begins, in bytes. Lines are read when they are asked for. */
  readonly #offsets: number[];
  #bytes: number;
  /** Appends come one after the other. */
  #turn: Promise<unknown> = Promise.resolve();

  private constructor({ path, format, offsets, bytes }: { path: string; format: JsonLinesFormat; offsets: number[]; bytes: number }) {
    this.#path = path;
    this.#format = format;
    this.#offsets = offsets;
    this.#bytes = bytes;
  }

  /** Its file is made with the first line. @throws OperationError `HostRejected` */
  static async open(path: string, format: JsonLinesFormat): Promise<JsonLines> {
    try {
      await using file = await open(path, constants.O_RDWR | constants.O_NOFOLLOW);
      const { offsets, bytes, size } = await scan(file, format);
      if (bytes < size) {
        await file.truncate(bytes);
        await file.sync();
      }
      return new JsonLines({ path, format, offsets, bytes });
    } catch (error) {
      if (errnoOf(error) === "ENOENT") return new JsonLines({ path, format, offsets: [], bytes: 0 });
      throw toFileError("read", path, error);
    }
  }

  get count(): number {
    return this.#offsets.length;
  }

  /** On the disk when it resolves. @param toLine of its number, which counts from 1 without gaps @throws OperationError `LimitExceeded`, `HostRejected` */
  append<Line extends object>(toLine: (id: number) => Line): Promise<Line> {
    const done = this.#turn.then(() => this.#append(toLine));
    this.#turn = done.catch(() => undefined);
    return done;
  }

  /** Texts of lines, oldest first; fewer than the limit where they are large, and at least one where there is one. */
  async read({ after, limit }: { after: number; limit: number }): Promise<string[]> {
    const from = this.#offsets[after];
    if (from === undefined || limit === 0) return [];
    const ends = [...this.#offsets.slice(after + 1, after + limit + 1), ...(after + limit < this.count ? [] : [this.#bytes])];
    const to = ends.findLast((end) => end - from <= PAGE_BYTES_MAX) ?? ends[0] ?? this.#bytes;
    try {
      await using file = await open(this.#path, constants.O_RDONLY | constants.O_NOFOLLOW);
      const { bytesRead, buffer } = await file.read(Buffer.alloc(to - from), 0, to - from, from);
      return buffer.subarray(0, bytesRead).toString("utf8").trimEnd().split("\n");
    } catch (error) {
      throw toFileError("read", this.#path, error);
    }
  }

  /** What a reader says of a line that is none of those that were written. */
  toChanged(cause: unknown): OperationError {
    return new OperationError("HostRejected", `${this.#path} was changed by something else and is no longer a transcript`, { cause });
  }

  async remove(): Promise<void> {
    await this.#turn;
    await unlink(this.#path).catch((error: unknown) => {
      if (errnoOf(error) !== "ENOENT") throw toFileError("remove", this.#path, error);
    });
  }

  async #append<Line extends object>(toLine: (id: number) => Line): Promise<Line> {
    const line = toLine(this.#offsets.length + 1);
    const bytes = Buffer.from(`${JSON.stringify(line)}\n`);
    if (this.#bytes + bytes.length > this.#format.bytesMax) {
      const fix = "reset the session, or start another one";
      throw new OperationError("LimitExceeded", `the conversation has more than ${this.#format.bytesMax / 1_048_576} MiB`, {
        fix,
        retryable: false,
      });
    }
    try {
      await this.#write(bytes);
    } catch (error) {
      throw toFileError("write", this.#path, error);
    }
    this.#offsets.push(this.#bytes);
    this.#bytes += bytes.length;
    return line;
  }

  async #write(line: Buffer): Promise<void> {
    const isNew = this.#bytes === 0;
    if (isNew) await makeFolder(dirname(this.#path));
    await using file = await open(this.#path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
    try {
      // From where the last whole line ended: what a failed write left behind is written over. A disk that is nearly full takes a part.
      for (let done = 0; done < line.length; ) done += (await file.write(line, done, line.length - done, this.#bytes + done)).bytesWritten;
      await file.datasync();
    } catch (error) {
      await file.truncate(this.#bytes).catch(() => undefined);
      throw error;
    }
    if (isNew) await syncFolder(dirname(this.#path));
  }
}

/** Where lines begin, and the byte after the last one that is whole: ended by a newline, and what such a line may be. */
async function scan(file: FileHandle, format: JsonLinesFormat): Promise<{ offsets: number[]; bytes: number; size: number }> {
  const { size } = await file.stat();
  const ends: number[] = [];
  const buffer = Buffer.allocUnsafe(Math.min(size, READ_BYTES));
  for (let at = 0; at < Math.min(size, format.bytesMax); ) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
    if (bytesRead === 0) break;
    for (let end = buffer.indexOf(NEWLINE); end >= 0 && end < bytesRead; end = buffer.indexOf(NEWLINE, end + 1)) ends.push(at + end + 1);
    at += bytesRead;
  }
  const begins = [0, ...ends];
  // After a power cut the last lines may be there in length only.
  while (ends.length > 0) {
    const [from, to] = [begins[ends.length - 1] ?? 0, ends.at(-1) ?? 0];
    const { buffer: line } = await file.read(Buffer.alloc(to - from), 0, to - from, from);
    if (isWhole(line.toString("utf8"), format)) break;
    ends.pop();
  }
  return { offsets: begins.slice(0, ends.length), bytes: ends.at(-1) ?? 0, size };
}

function isWhole(text: string, { isLine }: JsonLinesFormat): boolean {
  try {
    return isLine(JSON.parse(text));
  } catch {
    return false;
  }
}
