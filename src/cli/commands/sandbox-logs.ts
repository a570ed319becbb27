// `openclaw sandbox logs`: what was printed in a sandbox, by its setup and by the commands that were run in it; then, with -f, each new line. The setup's
// output is kept on disk, the commands' in the controller's memory. Detached processes keep their own: `sandbox ps log`.
import type { OutputLine, OutputLines } from "../../api/output-line.ts";
import { toSafeLine, toSafeText } from "../../api/safe-text.ts";
import type { SandboxKind } from "../../api/sandbox.ts";
import { toSandboxPath } from "../../api/view-client.ts";
import type { SetupLogView } from "../../api/wire.ts";
import { AdminClient } from "../admin-client.ts";
import { type CliContext, EXIT, type ExitCode, printData, printJson, printJsonLine, printNote } from "../context.ts";
import { followForever } from "../follow.ts";
import { type StateOptions, toStateDir } from "../paths.ts";
import { findSandboxNamed } from "../sandbox-name.ts";

export interface LogsOptions extends StateOptions {
  /** Lines, of the setup and of the commands each. */
  tail: number;
  follow?: boolean;
  json?: boolean;
}

export async function showOutput(context: CliContext, text: string, options: LogsOptions): Promise<ExitCode> {
  const client = new AdminClient(toStateDir(context, options));
  const { metadata, spec } = await findSandboxNamed(client, text);
  const { name } = metadata;
  // In this order: a line that comes in between is in both, and the setup's are shown once.
  const setup = await client.logs(name, options.tail);
  const output = await client.output(name);
  const items = options.tail === 0 ? [] : output.items.slice(-options.tail);
  if (options.json !== true) showKept(context, { name, kind: spec.kind, setup, output: { ...output, items } }, options);
  else if (options.follow !== true) printJson(context, { ...setup, output: items });
  else for (const line of items) printJsonLine(context, line);
  if (options.follow !== true) return EXIT.ok;
  return await followForever(context, client, { path: `${toSandboxPath(name)}/output`, lastEventId: output.lastId }, (data) => {
    if (!isLine(data)) return;
    if (options.json === true) printJsonLine(context, data);
    else printData(context, renderLine(data));
  });
}

interface Kept {
  name: string;
  kind: SandboxKind;
  setup: SetupLogView;
  output: OutputLines;
}

function showKept(context: CliContext, { name, kind, setup, output }: Kept, { follow }: LogsOptions): void {
  const { items, truncated } = output;
  const isSetupThere = items.some(({ source }) => source === "setup");
  if (kind === "browser")
    printNote(context, `what Chromium prints is not kept; of one that does not become ready: openclaw sandbox describe ${name}`);
  if (setup.state === "none" && setup.text === "" && items.length === 0) {
    const waiting = follow === true ? "; waiting for output" : "";
    printNote(
      context,
      `nothing was printed in ${name} since the controller started${waiting}; for detached processes: openclaw sandbox ps list ${name}`,
    );
    return;
  }
  if (!isSetupThere && setup.text !== "") {
    if (setup.truncated) printNote(context, "openclaw: earlier output is omitted");
    printData(context, toSafeText(setup.text));
  }
  if (truncated) printNote(context, "openclaw: earlier output of commands is no longer kept");
  printData(context, items.map(renderLine).join(""));
  if (setup.state !== "none") printNote(context, `openclaw: ${kind === "browser" ? "wait for DevTools" : "setup"} ${setup.state}`);
}

/** What of several commands is printed at once stays apart: `exec-3 | text`. */
function renderLine({ source, run, stream, text }: OutputLine): string {
  return `${source}-${run} ${stream === "note" ? ">" : "|"} ${toSafeLine(text)}\n`;
}

const isLine = (value: unknown): value is OutputLine => typeof value === "object" && value !== null && "run" in value && "text" in value;
