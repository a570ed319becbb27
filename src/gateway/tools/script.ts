// Runs one command of a tool to its end and keeps its output, within a bound. What it means is up to the caller.
import { Readable } from "node:stream";
import type { SessionKey } from "../../api/brands.ts";
import { OperationError } from "../../api/errors.ts";
import { toHead } from "../../api/text/cuts.ts";
import { TextPieces } from "../../api/text/text-pieces.ts";
import type { CommandEnd, CommandOutput, SandboxTool } from "../../api/wire.ts";
import type { SandboxPort } from "../sandbox/sandbox-port.ts";

export interface ScriptRequest {
  tool: SandboxTool;
  argv: string[];
  /** Absent: no stdin. */
  input?: Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
  /** It is no use of the sandbox, and waits for none. Absent: it is one. */
  isLook?: true;
  /** Of stdout. More is an error: nothing that scripts print should be cut. */
  outputBytesMax: number;
}

export interface ScriptAnswer {
  code: number;
  output: Buffer;
  /** Cut off where it becomes too long to be read. */
  errors: string;
}

/** 64 MiB at 1 MiB/s, and an engine that is slow to start. */
export const SCRIPT_MS_MAX = 120_000;
const ERRORS_LENGTH_MAX = 1_024;

/** @throws OperationError `TimedOut`, `LimitExceeded`, and what the port says */
export async function runScript(
  port: SandboxPort,
  sessionKey: SessionKey,
  request: ScriptRequest,
  signal: AbortSignal,
): Promise<ScriptAnswer> {
  const { tool, argv, input, isLook, outputBytesMax } = request;
  const command = {
    tool,
    argv,
    timeoutMs: SCRIPT_MS_MAX,
    ...(isLook && { isLook }),
    ...(input !== undefined && { stdin: Readable.from(input, { highWaterMark: 1 }) }),
  };
  const running = port.exec(sessionKey, command, signal);
  const { output, errors } = await collect(running.output, outputBytesMax);
  const end: CommandEnd = await running.ended;
  if (end.reason === "timeout") {
    throw new OperationError("TimedOut", `the file could not be read or written within ${SCRIPT_MS_MAX / 1_000} s`);
  }
  return { code: end.code, output, errors };
}

async function collect(source: AsyncIterable<CommandOutput>, bytesMax: number): Promise<{ output: Buffer; errors: string }> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  let errors = "";
  const pieces = new TextPieces();
  for await (const { stream, chunk } of source) {
    if (stream === "stderr") errors = toHead(`${errors}${pieces.take(chunk).toString("utf8")}`, ERRORS_LENGTH_MAX);
    else {
      bytes += chunk.length;
      if (bytes > bytesMax) throw new OperationError("LimitExceeded", `more than ${bytesMax} bytes came back`, { retryable: false });
      chunks.push(chunk);
    }
  }
  return { output: Buffer.concat(chunks), errors };
}
