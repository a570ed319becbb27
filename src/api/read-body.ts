// Reads the body of a request, and never more than the limit, whether or not its length is declared.
// What the text means is the caller's.
import { OperationError } from "./errors.ts";

/** A request, or its headers and Node's own stream of its body. */
export interface BodySource {
  headers: Headers;
  body: AsyncIterable<Uint8Array> | null;
}

/** @param came told how many bytes have come so far; what it throws ends the reading. @throws OperationError `PayloadTooLarge`, `Aborted` (its sender went away, or broke off), `InvalidArgument` (not UTF-8) */
export async function readBody(request: BodySource, bytesMax: number, came?: (bytes: number) => void): Promise<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  // Piece by piece: a large body is in memory once, as the text that it is.
  let text = "";
  for await (const chunk of readPieces(request, bytesMax, came)) text += decode(decoder, chunk);
  return text + decode(decoder);
}

function decode(decoder: InstanceType<typeof TextDecoder>, chunk?: Uint8Array): string {
  try {
    return decoder.decode(chunk, { stream: chunk !== undefined });
  } catch (error) {
    throw new OperationError("InvalidArgument", "the body is not UTF-8 text", { cause: error });
  }
}

async function* readPieces(request: BodySource, bytesMax: number, came?: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  const tooLarge = (): OperationError => new OperationError("PayloadTooLarge", `the body is larger than ${bytesMax} bytes`);
  if (Number(request.headers.get("content-length") ?? 0) > bytesMax) throw tooLarge();
  let bytes = 0;
  try {
    for await (const chunk of request.body ?? []) {
      bytes += chunk.length;
      if (bytes > bytesMax) throw tooLarge();
      came?.(bytes);
      yield chunk;
    }
  } catch (error) {
    if (error instanceof OperationError) throw error;
    throw new OperationError("Aborted", `the body ended early, after ${bytes} bytes`, { cause: error });
  }
}
