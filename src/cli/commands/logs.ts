// `openclaw logs`: what the controller did and why, for all sandboxes; and where to find the logs of the two processes, which neither of them keeps.
import { type CliContext, type ExitCode, printNote } from "../context.ts";
import type { StateOptions } from "../paths.ts";
import { showEvents } from "./sandbox-events.ts";

export async function showLogs(context: CliContext, options: StateOptions & { follow?: boolean; json?: boolean }): Promise<ExitCode> {
  const where = context.env.OPENCLAW_CLI_COMMAND
    ? "docker compose logs openclaw-controller openclaw-gateway"
    : "journalctl -u openclaw-controller -u openclaw-gateway, or the terminal of openclaw start";
  if (options.json !== true) printNote(context, `openclaw: these are the controller's actions; for the processes' own logs: ${where}`);
  return await showEvents(context, undefined, options);
}
