// `openclaw sandbox ps ...`: detached processes of a sandbox: list them, read their output, write to them, end them.
// They are started by `sandbox exec -d`.
import { buffer } from "node:stream/consumers";
import { toEpochMs } from "../../api/brands.ts";
import { OperationError } from "../../api/errors.ts";
import type { ProcessClient } from "../../api/process-client.ts";
import { PROCESS_STDIN_BYTES_MAX, type SandboxProcess } from "../../api/wire.ts";
import { AdminClient } from "../admin-client.ts";
import { type CliContext, EXIT, type ExitCode, print, printJson, printNote, toWidth } from "../context.ts";
import { type StateOptions, toStateDir } from "../paths.ts";
import { findSandboxNamed } from "../sandbox-name.ts";
import { renderTable } from "../table.ts";
import { renderAge } from "../text.ts";

type Options = StateOptions & { json?: boolean };

/** Half of a window of a log segment: few calls, prompt output. */
const READ_BYTES = 262_144;
/** The controller answers when there is output; this is how long it waits for some. */
const FOLLOW_WAIT_MS = 20_000;

/** A segment may be dropped just when it is to be read; three times in a row it was not. */
const STALLS_MAX = 3;

async function processesOf(context: CliContext, name: string, options: StateOptions): Promise<ProcessClient> {
  const client = new AdminClient(toStateDir(context, options));
  return client.processesOf((await findSandboxNamed(client, name)).metadata.name);
}

export async function listProcesses(context: CliContext, sandbox: string, options: Options): Promise<ExitCode> {
  const { items } = await (await processesOf(context, sandbox, options)).list();
  if (options.json === true) printJson(context, { items });
  else if (items.length === 0) printNote(context, `no detached processes in ${sandbox}`);
  else
    print(
      context,
      renderTable(
        ["ID", "STATE", "EXIT", "AGE", "OUTPUT", "COMMAND"],
        items.map((process) => toRow(process, context)),
        { width: toWidth(context), optional: ["OUTPUT"] },
      ),
    );
  return EXIT.ok;
}

function toRow({ id, state, exitCode, timedOut, startedAt, outputBytes, argv }: SandboxProcess, context: CliContext): string[] {
  const exit = state === "running" ? "-" : `${exitCode ?? "unknown"}${timedOut ? " (timed out)" : ""}`;
  return [id, state, exit, renderAge(toEpochMs(startedAt), context.now()), String(outputBytes), argv.map(quote).join(" ")];
}

/** As a shell would need it. */
const quote = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

export async function readProcessLog(
  context: CliContext,
  target: { sandbox: string; id: string },
  options: Options & { offset?: number; follow?: boolean },
): Promise<ExitCode> {
  const processes = await processesOf(context, target.sandbox, options);
  let offset = options.offset ?? 0;
  for (let stalls = 0; stalls < STALLS_MAX; ) {
    const log = await processes.log(target.id, {
      offset,
      limit: READ_BYTES,
      waitMs: options.follow === true ? FOLLOW_WAIT_MS : 0,
    });
    if (log.offset > offset && log.process.droppedBytes > offset)
      printNote(context, `openclaw: ${log.offset - offset} bytes of earlier output were discarded`);
    const isAll = log.nextOffset >= log.process.outputBytes;
    stalls = isAll || log.nextOffset > offset ? 0 : stalls + 1;
    offset = Math.max(offset, log.nextOffset);
    await write(context, Buffer.from(log.data, "base64"));
    if (!isAll || (options.follow === true && log.process.state === "running")) continue;
    if (log.process.outputLost) printNote(context, "openclaw: some output was lost because the sandbox's log storage was full");
    return EXIT.ok;
  }
  throw new OperationError("EngineFailed", "the log announces more output and returns none");
}

/** As fast as whoever reads our output takes it. */
async function write(context: CliContext, data: Buffer): Promise<void> {
  if (data.length === 0) return;
  await new Promise<void>((resolve, reject) => {
    context.stdout.write(data, (error) => (error ? reject(error) : resolve()));
  });
}

export async function writeProcess(
  context: CliContext,
  target: { sandbox: string; id: string; text: string | undefined },
  options: Options & { end?: boolean },
): Promise<ExitCode> {
  const processes = await processesOf(context, target.sandbox, options);
  const data =
    target.text === undefined
      ? options.end === true && context.stdin.isTTY === true
        ? Buffer.alloc(0)
        : await buffer(context.stdin)
      : Buffer.from(`${target.text}\n`);
  if (data.length > PROCESS_STDIN_BYTES_MAX)
    throw new OperationError("InvalidArgument", `at most ${PROCESS_STDIN_BYTES_MAX} bytes can be written at once`);
  const process = await processes.write(target.id, { data: data.toString("base64"), end: options.end === true });
  if (options.json === true) printJson(context, process);
  return EXIT.ok;
}

export async function killProcess(
  context: CliContext,
  target: { sandbox: string; id: string },
  options: Options & { signal: string },
): Promise<ExitCode> {
  const processes = await processesOf(context, target.sandbox, options);
  const process = await processes.kill(target.id, options.signal.toUpperCase().replace(/^SIG/, ""));
  if (options.json === true) printJson(context, process);
  else print(context, `${process.id}  ${process.state === "running" ? "running" : `exited ${process.exitCode ?? "(code unknown)"}`}`);
  return EXIT.ok;
}
