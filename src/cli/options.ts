// Options that many commands have, and how an option's value is read.
// Which command has which is the program-*.ts files'.
import { InvalidArgumentError, Option } from "commander";
import type { ExitCode } from "./context.ts";

/** Runs a command's code, which answers with the exit code. */
export type Run = (run: () => Promise<ExitCode>) => Promise<void>;

export const stateDirOption = (): Option => new Option("--state-dir <folder>", "state folder (OPENCLAW_STATE_DIR; default ~/.openclaw)");
export const configOption = (): Option =>
  new Option("--config <file>", "config file (OPENCLAW_CONFIG_PATH; default <state>/openclaw.json)");
export const jsonOption = (): Option => new Option("--json", "print JSON");

/** @throws InvalidArgumentError with what was expected */
export function parseWholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError("expected a whole number.");
  return Number(text);
}
