// Limits how much memory the bodies of all requests together may take: each is bounded, but there are many connections.
// How large one body may be is up to its operation.
import { OperationError } from "../../api/errors.ts";
import { FILE_BYTES_MAX } from "../../api/file-scripts.ts";

/** Eight of the largest files: half a gigabyte. */
const BYTES_MAX = 8 * FILE_BYTES_MAX;

export class BodyBudget {
  #left = BYTES_MAX;

  /** Until it is disposed of. A body that does not tell its length is taken for as large as it may be. @throws OperationError `LimitExceeded` */
  take(headers: Headers, bytesMax: number): Disposable {
    const told = headers.get("content-length");
    const bytes = Math.min(told === null ? bytesMax : Number(told), bytesMax);
    if (bytes > this.#left)
      throw new OperationError("LimitExceeded", "the bodies of the requests in progress are too large together; try again later");
    this.#left -= bytes;
    return {
      [Symbol.dispose]: () => {
        this.#left += bytes;
      },
    };
  }
}
