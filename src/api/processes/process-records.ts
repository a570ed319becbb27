// Reads what the process scripts print. It comes from where the processes run, and they may have tampered with it: every field is checked, and
// a damaged record is an error of that place only.
import { z } from "zod";
import { OperationError } from "../errors.ts";
import type { ProcessLog, SandboxProcess } from "../wire.ts";

const NEWLINE = 0x0a;
const Whole = z
  .string()
  .regex(/^\d{1,15}$/)
  .transform(Number);
const Flag = z.enum(["0", "1"]).transform((flag) => flag === "1");

const Line = z.tuple([
  z.string().regex(/^[a-z0-9]{8,32}$/),
  Whole,
  z.enum(["running", "exited"]),
  z.union([
    z.literal("-").transform(() => null),
    z
      .string()
      .regex(/^\d{1,3}$/)
      .transform(Number),
  ]),
  Flag,
  Flag,
  Whole,
  Whole,
  z
    .string()
    .regex(/^\d{1,4}$/)
    .transform(Number),
]);

/** Every record. @throws OperationError `RecordsBroken` */
export function parseProcesses(output: Buffer): SandboxProcess[] {
  const processes: SandboxProcess[] = [];
  for (let rest = output; rest.length > 0; ) {
    const record = parseRecord(rest);
    processes.push(record.process);
    rest = record.rest;
  }
  return processes;
}

/** A record, the position of the first byte that follows, and the bytes: cut to what was asked for. @throws OperationError `RecordsBroken` */
export function parseLog(output: Buffer, { offset, limit }: { offset: number; limit: number }): ProcessLog {
  const { process, rest } = parseRecord(output);
  const end = rest.indexOf(NEWLINE);
  const position = Whole.safeParse(rest.toString("latin1", 0, Math.max(0, end)));
  if (!position.success) throw mangled();
  const from = Math.max(offset, process.droppedBytes, position.data);
  const data = rest.subarray(end + 1 + (from - position.data)).subarray(0, limit);
  return { offset: from, data: data.toString("base64"), nextOffset: from + data.length, process };
}

/** One line, as many argument bytes as it says, and a newline. */
function parseRecord(output: Buffer): { process: SandboxProcess; rest: Buffer } {
  const end = output.indexOf(NEWLINE);
  const line = Line.safeParse(output.toString("latin1", 0, Math.max(0, end)).split(" "));
  if (!line.success) throw mangled();
  const [id, startedAt, state, exitCode, timedOut, outputLost, outputBytes, droppedBytes, argvBytes] = line.data;
  const argvEnd = end + 1 + argvBytes;
  if (output[argvEnd] !== NEWLINE) throw mangled();
  const argv = output
    .toString("utf8", end + 1, argvEnd)
    .replace(/\0$/, "")
    .split("\0");
  return {
    process: {
      id,
      argv,
      state,
      startedAt,
      exitCode: state === "running" ? null : exitCode,
      timedOut,
      outputBytes,
      droppedBytes,
      outputLost,
    },
    rest: output.subarray(argvEnd + 1),
  };
}

const mangled = (): OperationError => new OperationError("RecordsBroken", "the records of detached processes are damaged");
