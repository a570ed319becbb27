// Reads the body of a request, and never more than the limit, whether or not its length is declared.
// What the text means is the caller's.
import { OperationError } from "./errors.ts";

/** @throws OperationError as `readBodyBytes`, and `InvalidArgument` (not UTF-8) */
export async function readBody(request: Request, bytesMax: number): Promise<string> {
  const bytes = await readBodyBytes(request, bytesMax);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new OperationError("InvalidArgument", "the body is not UTF-8 text", { cause: error });
  }
}

/** @throws OperationError `PayloadTooLarge`, `Aborted` (its sender went away, or broke off) */
export async function readBodyBytes(request: Request, bytesMax: number): Promise<Buffer> {
  const tooLarge = (): OperationError => new OperationError("PayloadTooLarge", `the body is larger than ${bytesMax} bytes`);
  if (Number(request.headers.get("content-length") ?? 0) > bytesMax) throw tooLarge();
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of request.body ?? []) {
      bytes += chunk.length;
      if (bytes > bytesMax) throw tooLarge();
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof OperationError) throw error;
    throw new OperationError("Aborted", `the body ended early, after ${bytes} bytes`, { cause: error });
  }
  return Buffer.concat(chunks);
}
