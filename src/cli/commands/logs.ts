// `openclaw logs`: what the controller did and why, for all sandboxes; and where to find the logs of the two processes, which neither of them keeps.

import { findPlace, toPlace } from "../../api/place.ts";
import { type CliContext, type ExitCode, printNote } from "../context.ts";
import type { StateOptions } from "../paths.ts";
import { showEvents } from "./sandbox-events.ts";

const PROCESS_LOGS = {
  host: "the terminal of openclaw start",
  compose: "docker compose logs openclaw-controller openclaw-gateway",
  systemd: "journalctl -u openclaw-controller -u openclaw-gateway",
} as const;

export async function showLogs(context: CliContext, options: StateOptions & { follow?: boolean; json?: boolean }): Promise<ExitCode> {
  const place = findPlace(context.env, context.program);
  const where = toPlace(PROCESS_LOGS[place.kind], place);
  if (options.json !== true) printNote(context, `openclaw: these are the controller's actions; for the processes' own logs: ${where}`);
  return await showEvents(context, undefined, options);
}
