// Asks for a secret: at a terminal without showing it, elsewhere as what stands on stdin. It is nowhere else then: not among the arguments, which every user of
// the machine sees, nor in the environment. What the secret is for is the caller's.
import { isCancel, password } from "@clack/prompts";
import { OperationError } from "../../api/errors.ts";
import type { CliContext } from "../context.ts";
import { whileHere } from "../leaving.ts";

/** Longer than any secret (api/models/stored-secret.ts). */
const INPUT_BYTES_MAX = 65_536;

export interface SecretQuestion {
  message: string;
  /** What is wrong with it, in words that repeat nothing of it. null: nothing. */
  judge(secret: string): string | null;
}

/** @returns null: the person left. @throws OperationError `InvalidArgument`: what stands on stdin is none */
export async function askSecret(context: CliContext, { message, judge }: SecretQuestion): Promise<string | null> {
  const { stdin, stderr } = context;
  if (stdin.isTTY === true) {
    const validate = (text: string | undefined): string | undefined => judge((text ?? "").trim()) ?? undefined;
    const answer = await whileHere(context, async (signal) => await password({ message, input: stdin, output: stderr, signal, validate }));
    return isCancel(answer) ? null : answer.trim();
  }
  const secret = (await readInput(context)).trim();
  const wrong = judge(secret);
  if (wrong === null) return secret;
  throw new OperationError("InvalidArgument", `what stands on stdin can't be used: ${wrong}`);
}

async function readInput({ stdin }: CliContext): Promise<string> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of stdin) {
    const chunk = Buffer.from(piece);
    bytes += chunk.byteLength;
    if (bytes > INPUT_BYTES_MAX) throw new OperationError("InvalidArgument", "there is too much on stdin for a secret");
    pieces.push(chunk);
  }
  return Buffer.concat(pieces).toString("utf8");
}
