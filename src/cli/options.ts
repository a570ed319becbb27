// Options that many commands have, and how an option's value is read.
// Which command has which is the program-*.ts files'.
import { InvalidArgumentError, Option } from "commander";
import type { ExitCode } from "./context.ts";

/** Runs a command's code, which answers with the exit code. */
export type Run = (run: () => Promise<ExitCode>) => Promise<void>;

/** The parts of `openclaw --help`, in its order. */
export const HELP_GROUPS = {
  begin: "Get started:",
  look: "Inspect:",
  work: "Manage:",
  processes: "Run:",
  missing: "Not available yet:",
} as const;

export const stateDirOption = (): Option => new Option("--state-dir <folder>", "state folder (OPENCLAW_STATE_DIR; default ~/.openclaw)");
export const configOption = (): Option =>
  new Option("--config <file>", "config file (OPENCLAW_CONFIG_PATH; default <state>/openclaw.json)");
export const jsonOption = (): Option => new Option("--json", "print JSON");

/** What a `<name>` may be. */
export const NAME_HELP = "a sandbox's name or its beginning, an agent's id, or a session's key";

/** Of commands that ask a gateway. */
export const gatewayOptions = (): Option[] => [
  new Option("--token <token>", "the gateway's secret (OPENCLAW_GATEWAY_TOKEN; default: from the config, else from the state folder)"),
  new Option("--url <url>", "the gateway's URL (OPENCLAW_GATEWAY_URL; default: read from the state folder)"),
  configOption(),
  stateDirOption(),
];

/** @throws InvalidArgumentError with what was expected */
export function parseWholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError("Expected a whole number.");
  return Number(text);
}
