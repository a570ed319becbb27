// Options that many commands have, and how an option's value is read.
// Which command has which is the program-*.ts files'.
import { InvalidArgumentError, Option } from "commander";
import { parseDuration } from "../api/config/values.ts";
import type { ExitCode } from "./context.ts";
import { OUTPUT_FORMS } from "./output-form.ts";

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
/** Of commands that list things. */
export const outputOptions = (): Option[] => [
  new Option("-o, --output <form>", "wide, json, yaml or name").choices(OUTPUT_FORMS),
  new Option("-q, --quiet", "print names only, as -o name").conflicts("output"),
  jsonOption().conflicts(["output", "quiet"]),
];
export const followOption = (about: string): Option => new Option("-f, --follow", about);

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

/** `--timeout` and the like: milliseconds from `30s`, `5m` or `5000`. @throws InvalidArgumentError with what was expected */
export function parseMilliseconds(text: string): number {
  const parsed = parseDuration(/^\d{1,15}$/.test(text) ? Number(text) : text);
  if (!parsed.ok) throw new InvalidArgumentError(`${parsed.message.replace(/^e/, "E")}.`);
  return parsed.value;
}

const DAY_MS_MAX = 86_400_000;

/** The same, as long as a command may run. @throws InvalidArgumentError */
export function parseCommandTimeout(text: string): number {
  const milliseconds = parseMilliseconds(text);
  if (milliseconds < 1 || milliseconds > DAY_MS_MAX) throw new InvalidArgumentError("Expected between 1ms and 24h.");
  return milliseconds;
}

const INTERVAL_MS_MIN = 500;

/** Between two looks at the same thing. @throws InvalidArgumentError */
export function parseInterval(text: string): number {
  const milliseconds = parseMilliseconds(text);
  if (milliseconds < INTERVAL_MS_MIN || milliseconds > DAY_MS_MAX) throw new InvalidArgumentError("Expected between 500ms and 24h.");
  return milliseconds;
}

/** @throws InvalidArgumentError with what was expected */
export function parseWholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError("Expected a whole number.");
  return Number(text);
}
