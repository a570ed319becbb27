// The messages of one conversation, one line each in a file of its own. Its lines are strict: a reader of before takes others for damage and removes them,
// so that what runs did lies in another file (run-log in agent/). How lines are kept is json-lines.ts's; which conversation a file belongs to, sessions.ts's.
import { z } from "zod";
import { toEpochMs, toSessionKey } from "../../api/brands.ts";
import { MESSAGE_ROLES } from "../../api/message-roles.ts";
import type { Message } from "../tools/tool-port.ts";
import { JsonLines } from "./json-lines.ts";

/** Some 100 000 messages; a longer conversation is reset. */
export const TRANSCRIPT_BYTES_MAX = 67_108_864;

const Line = z.strictObject({
  id: z.int().min(1),
  at: z.int().transform(toEpochMs),
  role: z.enum(MESSAGE_ROLES),
  text: z.string(),
  from: z.string().transform(toSessionKey).nullable(),
});

export class Transcript {
  readonly #lines: JsonLines;

  private constructor(lines: JsonLines) {
    this.#lines = lines;
  }

  /** Its file is made with the first message. @throws OperationError `HostRejected` */
  static async open(path: string): Promise<Transcript> {
    const isLine = (value: unknown): boolean => Line.safeParse(value).success;
    return new Transcript(await JsonLines.open(path, { bytesMax: TRANSCRIPT_BYTES_MAX, isLine }));
  }

  get count(): number {
    return this.#lines.count;
  }

  /** On the disk when it resolves. @throws OperationError `LimitExceeded`, `HostRejected` */
  append(message: Omit<Message, "id">): Promise<Message> {
    return this.#lines.append((id) => ({ id, ...message }));
  }

  /** Oldest first; fewer than the limit where they are large, and at least one where there is one. */
  async read({ after, limit }: { after: number; limit: number }): Promise<Message[]> {
    const lines = await this.#lines.read({ after, limit });
    try {
      return lines.map((line, at) => ({ ...Line.parse(JSON.parse(line)), id: after + at + 1 }));
    } catch (error) {
      throw this.#lines.toChanged(error);
    }
  }

  remove(): Promise<void> {
    return this.#lines.remove();
  }
}
