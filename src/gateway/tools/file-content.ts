// The content of a file as a caller sent it, text or base64, as bytes that are made piece by piece: no second copy of it is in memory. Pure.
// Where it goes is files.ts.
import { OperationError } from "../../api/errors.ts";
import { FILE_BYTES_MAX } from "../../api/file-scripts.ts";
import type { Upload } from "../sandbox/upload.ts";

export type ContentEncoding = "utf8" | "base64";

/** The largest file in base64: four characters for three bytes. */
export const CONTENT_LENGTH_MAX = Math.ceil(FILE_BYTES_MAX / 3) * 4;
/** A multiple of four. */
const PIECE_LENGTH = 65_536;

/** @throws OperationError `InvalidArgument`: it is not base64 */
export function toUpload(content: string, encoding: ContentEncoding): Upload {
  if (encoding === "utf8") return { bytes: Buffer.byteLength(content), content: encodePieces(content) };
  if (!isBase64(content)) throw new OperationError("InvalidArgument", "write: content is not base64");
  const padding = content.endsWith("==") ? 2 : content.endsWith("=") ? 1 : 0;
  return { bytes: (content.length / 4) * 3 - padding, content: decodePieces(content) };
}

async function* encodePieces(content: string): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < content.length; ) {
    let to = Math.min(content.length, from + PIECE_LENGTH);
    // A pair stays together.
    if ((content.charCodeAt(to - 1) & 0xfc00) === 0xd800) to = Math.min(content.length, to + 1);
    yield Buffer.from(content.slice(from, to), "utf8");
    from = to;
  }
}

async function* decodePieces(content: string): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < content.length; from += PIECE_LENGTH) yield Buffer.from(content.slice(from, from + PIECE_LENGTH), "base64");
}

function isBase64(content: string): boolean {
  if (content.length % 4 !== 0) return false;
  for (let from = 0; from < content.length; from += PIECE_LENGTH) {
    const piece = content.slice(from, from + PIECE_LENGTH);
    const isLast = from + PIECE_LENGTH >= content.length;
    if (!(isLast ? /^[A-Za-z0-9+/]*={0,2}$/ : /^[A-Za-z0-9+/]*$/).test(piece)) return false;
  }
  return true;
}
