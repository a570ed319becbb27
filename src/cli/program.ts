// The commands, their options and their help; each command's code is loaded when it runs, so that starting costs nothing that is not used.
// What a command does is in commands/.
import { Command, CommanderError } from "commander";
import { ERROR_CODES, OperationError, renderError } from "../api/errors.ts";
import { type CliContext, EXIT, type ExitCode, printNote } from "./context.ts";
import type { Run } from "./options.ts";
import { addConfigCommands } from "./program-config.ts";
import { addControllerCommands } from "./program-controller.ts";
import { addGatewayCommands } from "./program-gateway.ts";
import { addOnboardCommands } from "./program-onboard.ts";
import { addSandboxCommands } from "./program-sandbox.ts";
import { readVersion } from "./version.ts";

/** Runs one command line. Never rejects for what a person or the world did wrong: that is told on stderr, and in the exit code. */
export async function runCli(args: readonly string[], context: CliContext): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT.ok;
  const program = makeProgram(context, async (run) => {
    exitCode = await run();
  });
  try {
    await program.parseAsync([...args], { from: "user" });
    return exitCode;
  } catch (error) {
    return toExitCode(error, context);
  }
}

function makeProgram(context: CliContext, run: Run): Command {
  const program = new Command("openclaw")
    .description("Sandboxes for AI agents, kept as the config says")
    .version(readVersion(), "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .helpCommand("help [command]", "print the help of a command")
    .showSuggestionAfterError(true)
    .showHelpAfterError("(openclaw --help shows the commands)")
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void context.stdout.write(text),
      writeErr: (text) => void context.stderr.write(text),
      getOutHelpWidth: () => context.stdout.columns ?? 100,
      getErrHelpWidth: () => context.stderr.columns ?? 100,
      outputError: (text, write) => write(`openclaw: ${text.replace(/^error: /, "")}`),
    });
  addOnboardCommands(program, context, run);
  addControllerCommands(program, context, run);
  addGatewayCommands(program, context, run);
  addSandboxCommands(program, context, run);
  addConfigCommands(program, context, run);
  for (const command of everyCommand(program)) command.copyInheritedSettings(command.parent ?? program);
  return program;
}

function everyCommand(command: Command): Command[] {
  return command.commands.flatMap((child) => [child, ...everyCommand(child)]);
}

function toExitCode(error: unknown, context: CliContext): ExitCode {
  // Commander has told it already; help and version are no errors.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (error instanceof OperationError) {
    printNote(context, `openclaw: ${renderError(error)}`);
    return ERROR_CODES[error.code].exitCode;
  }
  printNote(context, `openclaw: this is a bug: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  return EXIT.failed;
}
