// Parses a command line as a shell would pass it on, and runs nothing: for tests of texts that name commands.
import { CommanderError } from "commander";
import { toEpochMs } from "../api/brands.ts";
import type { CliContext } from "./context.ts";
import { makeProgram } from "./program.ts";

const SILENT = {
  env: {},
  stdout: { write: () => true },
  stderr: { write: () => true },
  now: () => toEpochMs(0),
} as unknown as CliContext;

/** First words of commands. */
export const commandNames = (): string[] => makeProgram(SILENT, async () => undefined).commands.map((command) => command.name());

/** What became of it: `runs`, or why not, as Commander says it (`commander.unknownCommand`, `commander.missingArgument`). */
export async function parseCommand(words: string): Promise<string> {
  let outcome = "nothing to run";
  const program = makeProgram(SILENT, async () => {
    outcome = "runs";
  });
  try {
    await program.parseAsync(
      words.split(" ").filter((word) => word !== ""),
      { from: "user" },
    );
    return outcome;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.code === "commander.version" ? "runs" : error.code;
  }
}
