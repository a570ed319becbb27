// Limits how much memory the bodies of all requests together may take: each is bounded, but there are many connections. What came in a large one is
// held for as long as it is answered. How large one body may be is up to its operation.
import { OperationError } from "../../api/errors.ts";
import { FILE_BYTES_MAX } from "../../api/file-scripts.ts";

/** The JSON of the largest file that a tool writes, in which each byte may be an escape of six (`\\u0001`), and what stands around it. */
export const TOOL_BODY_BYTES_MAX = 6 * FILE_BYTES_MAX + 1_048_576;
/** Eight of the largest files as most texts are written: half a gigabyte. */
const BYTES_MAX = 8 * FILE_BYTES_MAX;
/** What a smaller one holds while a streamed answer goes on, 256 calls at once hold too: 256 MiB. */
const SMALL_BYTES_MAX = 1_048_576;

export class BodyBudget {
  #left = BYTES_MAX;

  /** A body that tells its length has it at once, another one as it comes. @throws OperationError `LimitExceeded` */
  take(headers: Headers, bytesMax: number): HeldBody {
    const held = new HeldBody((bytes) => {
      if (bytes > this.#left)
        throw new OperationError("LimitExceeded", "the bodies of the requests in progress are too large together; try again later");
      this.#left -= bytes;
    }, bytesMax);
    held.grow(Number(headers.get("content-length") ?? 0));
    return held;
  }
}

/** What one body takes of the budget, until it is disposed of. */
export class HeldBody implements Disposable {
  readonly #take: (bytes: number) => void;
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(take: (bytes: number) => void, bytesMax: number) {
    this.#take = take;
    this.#bytesMax = bytesMax;
  }

  /** So many have come in all. One that is larger than it may be is refused elsewhere. @throws OperationError `LimitExceeded` */
  grow(bytes: number): void {
    const wanted = Math.min(bytes, this.#bytesMax);
    if (wanted <= this.#bytes) return;
    this.#take(wanted - this.#bytes);
    this.#bytes = wanted;
  }

  /** Held for as long as the answer is made; a large body also until all of it was sent, or its client has gone: what makes it may still use it. */
  async during(answer: () => Promise<Response>): Promise<Response> {
    try {
      return this.#until(await answer());
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  #until(response: Response): Response {
    const { body } = response;
    // An answer as JSON is whole when it begins.
    const isWhole = response.headers.get("content-type")?.includes("json") === true;
    if (body === null || isWhole || this.#bytes <= SMALL_BYTES_MAX) {
      this[Symbol.dispose]();
      return response;
    }
    const reader = body.getReader();
    const pull = async (controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> => {
      const { done, value } = await reader.read().catch((error: unknown) => {
        this[Symbol.dispose]();
        throw error;
      });
      if (!done) return controller.enqueue(value);
      this[Symbol.dispose]();
      controller.close();
    };
    const cancel = async (reason: unknown): Promise<void> => {
      this[Symbol.dispose]();
      await reader.cancel(reason);
    };
    return new Response(new ReadableStream<Uint8Array>({ pull, cancel }, { highWaterMark: 0 }), response);
  }

  [Symbol.dispose](): void {
    this.#take(-this.#bytes);
    this.#bytes = 0;
  }
}
