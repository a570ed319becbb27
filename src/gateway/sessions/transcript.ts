// One conversation as a file of JSON lines: appended, never rewritten. A line that a crash cut short is recognised on first read and
// removed; whatever was acknowledged is on disk. Which conversation a file belongs to is sessions.ts's.
import { constants } from "node:fs";
import { type FileHandle, open, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";
import { toEpochMs, toSessionKey } from "../../api/brands.ts";
import { OperationError } from "../../api/errors.ts";
import { MESSAGE_ROLES } from "../../api/session.ts";
import { errnoOf, syncFolder, toFileError } from "../../api/store/atomic-file.ts";
import { makeFolder } from "../../api/store/group-folder.ts";
import type { Message } from "../tools/tool-port.ts";

/** Some 100 000 messages; a longer conversation is reset. */
export const TRANSCRIPT_BYTES_MAX = 67_108_864;
const READ_BYTES = 262_144;
/** What one answer holds of a conversation. A message alone may have more: 1 MiB of text, six times that where JSON escapes it. */
const PAGE_BYTES_MAX = 4_194_304;
const NEWLINE = 0x0a;

const Line = z.strictObject({
  id: z.int().min(1),
  at: z.int().transform(toEpochMs),
  role: z.enum(MESSAGE_ROLES),
  text: z.string(),
  from: z.string().transform(toSessionKey).nullable(),
});

export class Transcript {
  readonly #path: string;
  /** Where each message begins, in bytes. Their lines are read when they are asked for. */
  readonly #offsets: number[];
  #bytes: number;
  /** Appends come one after the other. */
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(path: string, offsets: number[], bytes: number) {
    this.#path = path;
    this.#offsets = offsets;
    this.#bytes = bytes;
  }

  /** Its file is made with the first message. @throws OperationError `HostRejected` */
  static async open(path: string): Promise<Transcript> {
    try {
      await using file = await open(path, constants.O_RDWR | constants.O_NOFOLLOW);
      const { offsets, bytes, size } = await scan(file);
      if (bytes < size) {
        await file.truncate(bytes);
        await file.sync();
      }
      return new Transcript(path, offsets, bytes);
    } catch (error) {
      if (errnoOf(error) === "ENOENT") return new Transcript(path, [], 0);
      throw toFileError("read", path, error);
    }
  }

  get count(): number {
    return this.#offsets.length;
  }

  /** On the disk when it resolves. @throws OperationError `LimitExceeded`, `HostRejected` */
  append(message: Omit<Message, "id">): Promise<Message> {
    const done = this.#turn.then(() => this.#append(message));
    this.#turn = done.catch(() => undefined);
    return done;
  }

  /** Oldest first; fewer than the limit where they are large, and at least one where there is one. */
  async read({ after, limit }: { after: number; limit: number }): Promise<Message[]> {
    const from = this.#offsets[after];
    if (from === undefined || limit === 0) return [];
    const ends = [...this.#offsets.slice(after + 1, after + limit + 1), ...(after + limit < this.count ? [] : [this.#bytes])];
    const to = ends.findLast((end) => end - from <= PAGE_BYTES_MAX) ?? ends[0] ?? this.#bytes;
    try {
      await using file = await open(this.#path, constants.O_RDONLY | constants.O_NOFOLLOW);
      const { bytesRead, buffer } = await file.read(Buffer.alloc(to - from), 0, to - from, from);
      const lines = buffer.subarray(0, bytesRead).toString("utf8").trimEnd().split("\n");
      return lines.map((line, at) => ({ ...Line.parse(JSON.parse(line)), id: after + at + 1 }));
    } catch (error) {
      if (errnoOf(error) !== "") throw toFileError("read", this.#path, error);
      throw new OperationError("HostRejected", `${this.#path} was changed by something else and is no longer a transcript`, {
        cause: error,
      });
    }
  }

  async remove(): Promise<void> {
    await this.#turn;
    await unlink(this.#path).catch((error: unknown) => {
      if (errnoOf(error) !== "ENOENT") throw toFileError("remove", this.#path, error);
    });
  }

  async #append(message: Omit<Message, "id">): Promise<Message> {
    const whole: Message = { id: this.#offsets.length + 1, ...message };
    const line = Buffer.from(`${JSON.stringify(whole)}\n`);
    if (this.#bytes + line.length > TRANSCRIPT_BYTES_MAX) {
      const fix = "reset the session, or start another one";
      throw new OperationError("LimitExceeded", `the conversation has more than ${TRANSCRIPT_BYTES_MAX / 1_048_576} MiB`, {
        fix,
        retryable: false,
      });
    }
    try {
      await this.#write(line);
    } catch (error) {
      throw toFileError("write", this.#path, error);
    }
    this.#offsets.push(this.#bytes);
    this.#bytes += line.length;
    return whole;
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

/** Where lines begin, and the byte after the last one that is whole: ended by a newline, and JSON. */
async function scan(file: FileHandle): Promise<{ offsets: number[]; bytes: number; size: number }> {
  const { size } = await file.stat();
  const ends: number[] = [];
  const buffer = Buffer.allocUnsafe(Math.min(size, READ_BYTES));
  for (let at = 0; at < Math.min(size, TRANSCRIPT_BYTES_MAX); ) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
    if (bytesRead === 0) break;
    for (let end = buffer.indexOf(NEWLINE); end >= 0 && end < bytesRead; end = buffer.indexOf(NEWLINE, end + 1)) ends.push(at + end + 1);
    at += bytesRead;
  }
  const begins = [0, ...ends];
  // After a power cut the last lines may be there in length only.
  while (ends.length > 0 && !(await isWhole(file, begins[ends.length - 1] ?? 0, ends.at(-1) ?? 0))) ends.pop();
  return { offsets: begins.slice(0, ends.length), bytes: ends.at(-1) ?? 0, size };
}

async function isWhole(file: FileHandle, from: number, to: number): Promise<boolean> {
  const { buffer } = await file.read(Buffer.alloc(to - from), 0, to - from, from);
  try {
    return Line.safeParse(JSON.parse(buffer.toString("utf8"))).success;
  } catch {
    return false;
  }
}
