// Background commands: starts one, follows it for a while, and reports where it is. Its state is kept where it runs,
// so any later process of the gateway finds it again. The tool `process` manages it.
import type { ProcessLog, SandboxProcess } from "../../api/wire.ts";
import type { SandboxCommand } from "../sandbox/sandbox-port.ts";
import { OutputTail, withRemark } from "./output-tail.ts";
import type { ToolScope } from "./tool.ts";
import type { ToolResult } from "./tool-port.ts";

/** One look at a log: what a process can say between two of them is read in pieces. */
export const LOG_BYTES_MAX = 65_536;
/** One wait for output: a caller who goes away is noticed between two of them. */
const LOG_WAIT_MS_MAX = 2_000;
const OUTPUT_BYTES_MAX = { headBytesMax: 65_536, tailBytesMax: 131_072 };

/** Answers when it has ended, or after `yieldMs`. A caller who goes away before that takes it along. */
export async function startInBackground(
  scope: ToolScope,
  { argv, env, workdir, timeoutMs }: SandboxCommand,
  yieldMs: number,
): Promise<ToolResult> {
  const { port, session, signal } = scope;
  const start = { argv, ...(env && { env }), ...(workdir && { workdir }), ...(timeoutMs && { timeoutMs }) };
  const process = await port.processes.start(session.spec.key, start);
  try {
    return await follow(scope, process, yieldMs);
  } catch (error) {
    if (signal.aborted) await port.processes.kill(session.spec.key, process.id, "KILL");
    throw error;
  }
}

async function follow({ port, session, signal, emit }: ToolScope, started: SandboxProcess, yieldMs: number): Promise<ToolResult> {
  const tail = new OutputTail(OUTPUT_BYTES_MAX);
  const until = performance.now() + yieldMs;
  let process = started;
  let offset = 0;
  const look = async (waitMs: number): Promise<void> => {
    signal.throwIfAborted();
    const log = await port.processes.log(session.spec.key, started.id, { offset, limit: LOG_BYTES_MAX, waitMs });
    const chunk = toChunk(log);
    if (chunk.length > 0) {
      tail.push(chunk);
      await emit({ kind: "stdout", chunk });
    }
    offset = log.nextOffset;
    process = log.process;
  };
  const isRead = (): boolean => process.state === "exited" && offset >= process.outputBytes;
  for (let leftMs = yieldMs; leftMs > 0 && !isRead(); leftMs = until - performance.now())
    await look(Math.ceil(Math.min(leftMs, LOG_WAIT_MS_MAX)));
  // One that ended before anybody looked, or faster than it was read.
  if (process.state === "exited" && !isRead()) await look(0);
  signal.throwIfAborted();
  if (process.state === "exited") return toEndResult(process, tail.toText(), offset);
  const remark = `it goes on in the background as process ${process.id}; the tool process follows and ends it`;
  const text = withRemark(tail.toText(), remark);
  return { content: [{ type: "text", text }], details: { id: process.id, state: process.state, nextOffset: offset }, isError: false };
}

export const toChunk = (log: ProcessLog): Buffer => Buffer.from(log.data, "base64");

export function renderEnd({ state, exitCode, timedOut }: SandboxProcess): string {
  if (state === "running") return "running";
  if (timedOut) return "killed at the end of its time";
  return exitCode === null ? "ended, its exit code is not known" : `exit code ${exitCode}`;
}

function toEndResult(process: SandboxProcess, output: string, nextOffset: number): ToolResult {
  const { id, state, exitCode, timedOut, outputBytes } = process;
  const isError = exitCode !== 0;
  const more = nextOffset < outputBytes ? [`more output of process ${id} from offset ${nextOffset}`] : [];
  const remarks = [...(isError ? [renderEnd(process)] : []), ...more];
  const text = remarks.length > 0 ? withRemark(output, remarks.join("; ")) : output || "(no output)";
  const details = { id, state, code: exitCode, reason: timedOut ? "timeout" : "exited", nextOffset };
  return { content: [{ type: "text", text }], details, isError };
}
