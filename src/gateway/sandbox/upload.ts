// Bytes on their way into a sandbox, never held whole: as they come where the sandbox takes them at once, else from an unnamed file.
// What happens to them there is tools/files.ts.
import { type FileHandle, mkdir, open, unlink } from "node:fs/promises";
import { join } from "node:path";
import { OperationError } from "../../api/errors.ts";
import type { SentBody } from "../../api/gateway-protocol/operation.ts";

export interface Upload {
  bytes: number;
  content: AsyncIterable<Uint8Array>;
}

/** @throws OperationError `PayloadTooLarge`, `Aborted` (its sender went away, or broke off), while it is read */
export async function* bound({ bytesTold, chunks }: SentBody, bytesMax: number): AsyncGenerator<Uint8Array> {
  const tooLarge = (): OperationError => new OperationError("PayloadTooLarge", `the body is larger than ${bytesMax} bytes`);
  if (bytesTold !== null && bytesTold > bytesMax) throw tooLarge();
  let bytes = 0;
  try {
    for await (const chunk of chunks) {
      bytes += chunk.length;
      if (bytes > (bytesTold ?? bytesMax)) throw tooLarge();
      yield chunk;
    }
  } catch (error) {
    throw error instanceof OperationError ? error : toBroken(bytes, error);
  }
  if (bytesTold !== null && bytes < bytesTold) throw toBroken(bytes);
}

function toBroken(bytes: number, cause?: unknown): OperationError {
  return new OperationError("Aborted", `the body ended early, after ${bytes} bytes`, { cause });
}

/** The same content. Calls `over` once: with null when it was read to its end, else with why not; also when its reader goes before he read anything, of which a generator that never began would say nothing. */
export function whenOver(content: AsyncIterable<Uint8Array>, over: (error: unknown) => void): AsyncIterableIterator<Uint8Array> {
  const source = content[Symbol.asyncIterator]();
  let isOver = false;
  const finish = (error: unknown): void => {
    if (!isOver) over(error);
    isOver = true;
  };
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    next: async () => {
      try {
        const next = await source.next();
        if (next.done === true) finish(null);
        return next;
      } catch (error) {
        finish(error);
        throw error;
      }
    },
    return: async () => {
      finish(new OperationError("Aborted", "its reader went away"));
      await source.return?.();
      return { done: true, value: undefined };
    },
  };
}

/** Kept in a file that has lost its name: whatever becomes of this process, nothing is left of it. */
export class Spool implements AsyncDisposable {
  readonly #file: FileHandle;
  readonly bytes: number;

  private constructor(file: FileHandle, bytes: number) {
    this.#file = file;
    this.bytes = bytes;
  }

  /** @param folder made where it is missing. @throws what reading the content throws, and system errors */
  static async fill({ folder, name }: { folder: string; name: string }, content: AsyncIterable<Uint8Array>): Promise<Spool> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const path = join(folder, `.upload-${name}`);
    const file = await open(path, "wx+", 0o600);
    try {
      await unlink(path);
      let bytes = 0;
      for await (const chunk of content) {
        await file.writeFile(chunk);
        bytes += chunk.length;
      }
      return new Spool(file, bytes);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  get content(): AsyncIterable<Uint8Array> {
    return this.#file.createReadStream({ start: 0, autoClose: false });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
  }
}
