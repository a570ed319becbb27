// The tool `process`: manages the commands that `exec` left running in the background.
// They are the sandbox's, not the gateway's: every session that shares the sandbox sees them. On the host each session has its own.
import { z } from "zod";
import { OperationError } from "../../api/errors.ts";
import { toHead, toSafeEnd, toSafeStart } from "../../api/text/cuts.ts";
import { PROCESS_STDIN_BYTES_MAX, type SandboxProcess, SignalName } from "../../api/wire.ts";
import { LOG_BYTES_MAX, renderEnd, toChunk } from "./background.ts";
import { withRemark } from "./output-tail.ts";
import { renderCommand } from "./shell-command.ts";
import { defineTool, type ToolScope, toTextResult } from "./tool.ts";
import type { ToolResult } from "./tool-port.ts";

const ACTIONS = ["list", "poll", "log", "write", "kill", "clear"] as const;
const POLL_MS_DEFAULT = 10_000;
/** As long as the controller waits. */
const POLL_MS_MAX = 30_000;
const COMMAND_SHOWN_LENGTH_MAX = 200;

const Input = z.strictObject({
  action: z
    .enum(ACTIONS)
    .describe(
      "list all; poll: wait for new output or the end; log: read output; write: to its stdin; kill: end it; clear: forget one that has ended",
    ),
  id: z.string().min(1).max(64).optional().describe("Which process; all but list need it"),
  offset: z.int().min(0).optional().describe("log, poll: first byte of output. Absent: poll waits for the end and shows the last output"),
  limit: z.int().min(1).max(LOG_BYTES_MAX).optional().describe("log, poll: most bytes of output"),
  waitMs: z.int().min(0).max(POLL_MS_MAX).optional().describe(`poll: milliseconds to wait at most; default ${POLL_MS_DEFAULT}`),
  data: z.string().max(PROCESS_STDIN_BYTES_MAX).optional().describe("write: text for its stdin"),
  eof: z.boolean().optional().describe("write: end its stdin after that"),
  signal: SignalName.optional().describe("kill: a signal's name without SIG; default KILL, which reaches all that it started"),
});
type Input = z.output<typeof Input>;

export const processTool = defineTool({
  name: "process",
  description:
    "Look after commands that exec left in the background: list them, wait for their output, read it, write to them, end them, forget them.",
  input: Input,
  isInside: true,
  run: async (scope, input) => {
    const { processes } = scope.port;
    const { key } = scope.session.spec;
    if (input.action === "list") return toListResult(await processes.list(key));
    const { id } = input;
    if (id === undefined) throw new OperationError("InvalidArgument", `process: ${input.action} needs an id`);
    switch (input.action) {
      case "poll":
      case "log":
        return await readLog(scope, { ...input, id });
      case "write": {
        if (input.data === undefined && input.eof !== true)
          throw new OperationError("InvalidArgument", "process: write needs data, or eof: true");
        const data = input.data === undefined ? {} : { data: Buffer.from(input.data, "utf8").toString("base64") };
        return toStateResult(await processes.write(key, id, { ...data, end: input.eof === true }));
      }
      case "kill":
        return toStateResult(await processes.kill(key, id, input.signal ?? "KILL"));
      case "clear":
        await processes.clear(key, id);
        return toTextResult(`process ${id} is forgotten`, { id });
    }
  },
});

async function readLog({ port, session }: ToolScope, input: Input & { id: string }): Promise<ToolResult> {
  const { id, action } = input;
  const { key } = session.spec;
  const limit = input.limit ?? LOG_BYTES_MAX;
  let { offset } = input;
  if (offset === undefined && action === "log") offset = 0;
  const waitMs = action === "poll" ? (input.waitMs ?? POLL_MS_DEFAULT) : 0;
  if (offset === undefined) {
    // Past all output: only its end ends the wait.
    const { process } = await port.processes.log(key, id, { offset: Number.MAX_SAFE_INTEGER, limit: 0, waitMs });
    offset = Math.max(0, process.outputBytes - limit);
  }
  const log = await port.processes.log(key, id, { offset, limit, waitMs: input.offset === undefined ? 0 : waitMs });
  const { process } = log;
  const chunk = toChunk(log);
  // Where the caller chose the place, it is taken; otherwise, and at the end, at whole characters: the next look begins with the rest.
  const begin = input.offset === undefined && log.offset > 0 ? toSafeStart(chunk, 0) : 0;
  const isLast = process.state === "exited" && log.nextOffset >= process.outputBytes;
  const end = isLast ? chunk.length : toSafeEnd(chunk, chunk.length) || chunk.length;
  const nextOffset = log.offset + end;
  const skipped = log.offset > offset ? [`output before byte ${log.offset} is no longer kept`] : [];
  const more = nextOffset < process.outputBytes ? [`more from offset ${nextOffset}`] : [];
  const text = withRemark(chunk.toString("utf8", begin, end), [renderEnd(process), ...skipped, ...more].join("; "));
  return toTextResult(text, { ...toDetails(process), offset: log.offset, nextOffset });
}

function toListResult(processes: readonly SandboxProcess[]): ToolResult {
  const text = processes.map((process) => `${process.id}  ${renderEnd(process)}  ${toLine(process)}`).join("\n");
  return toTextResult(text || "(no background processes)", { items: processes.map(toDetails) });
}

const toStateResult = (process: SandboxProcess): ToolResult =>
  toTextResult(`process ${process.id}: ${renderEnd(process)}`, toDetails(process));

const toLine = ({ argv }: SandboxProcess): string => toHead(renderCommand(argv).replaceAll("\n", " "), COMMAND_SHOWN_LENGTH_MAX);

function toDetails({ id, state, startedAt, exitCode, timedOut, outputBytes, droppedBytes }: SandboxProcess): Record<string, unknown> {
  return { id, state, startedAt, code: exitCode, timedOut, outputBytes, droppedBytes };
}
