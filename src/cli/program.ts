// The commands, their options and their help; each command's code is loaded when it runs, so that starting costs nothing that is not used.
// What a command does is in commands/.
import { Command, CommanderError, Help } from "commander";
import { ERROR_CODES, OperationError } from "../api/errors.ts";
import { toSafeText } from "../api/safe-text.ts";
import { redactSecrets } from "../api/secret-text.ts";
import { type CliContext, EXIT, type ExitCode, printError, printNote } from "./context.ts";
import type { Run } from "./options.ts";
import { renderOurs } from "./other-commands.ts";
import { addBeginningCommands } from "./program-begin.ts";
import { addChatCommands } from "./program-chat.ts";
import { addConfigCommands } from "./program-config.ts";
import { addDeviceCommands } from "./program-devices.ts";
import { addLookingCommands } from "./program-look.ts";
import { addMissingCommands } from "./program-missing.ts";
import { addModelCommands } from "./program-models.ts";
import { addProcessCommands } from "./program-processes.ts";
import { addSandboxCommands } from "./program-sandbox.ts";
import { addSessionCommands } from "./program-session.ts";
import { addShellCommands } from "./program-shell.ts";
import { readVersion } from "./version.ts";

/** Runs one command line. Operating errors don't reject: they are printed on stderr and become the exit code. */
export async function runCli(args: readonly string[], context: CliContext): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT.ok;
  const run: Run = async (command) => {
    exitCode = await command();
  };
  const program = makeProgram(context, run, args);
  try {
    await program.parseAsync([...args], { from: "user" });
    return exitCode;
  } catch (error) {
    return toExitCode(error, context);
  }
}

const AFTER_HELP = `
To see it work: openclaw demo. To set up your own: openclaw onboard, then openclaw start.
Manual pages: openclaw man COMMAND | man -l -, or for good: openclaw man --all ~/.local/share/man
Exit codes: 0 success, 1 failure, 2 usage error, 3 not found, 4 timeout.`;

/** In a list of commands: its names, and what it must be given. */
function toTerm(command: Command): string {
  const given = command.usage().replace(/\[options\] ?|\[command\]/g, "");
  return `${[command.name(), ...command.aliases()].join(", ")} ${given}`.trimEnd();
}

/** --help covers `help` already. */
const toListed = (command: Command): Command[] => new Help().visibleCommands(command).filter((one) => one.name() !== "help");

type AddCommands = (program: Command, context: CliContext, run: Run, second?: string) => void;

/** In the order of the help, and the words that lead to each. Of those without words nothing can be left out: they are about all commands. */
const GROUPS: readonly { add: AddCommands; words: readonly string[] }[] = [
  { add: addBeginningCommands, words: ["demo", "doctor", "onboard"] },
  { add: addLookingCommands, words: ["dashboard", "health", "logs", "status"] },
  { add: addSandboxCommands, words: ["sandbox"] },
  { add: addChatCommands, words: ["agent", "chat", "tui"] },
  { add: addSessionCommands, words: ["session"] },
  { add: addConfigCommands, words: ["config"] },
  { add: addModelCommands, words: ["models"] },
  { add: addProcessCommands, words: ["controller", "gateway", "mcp", "start", "stop"] },
  { add: addDeviceCommands, words: ["devices"] },
  { add: addMissingCommands, words: [] },
  { add: addShellCommands, words: [] },
];

/**
 * @param run is given what a command does; it need not be done
 * @param args if given, the command line: without the commands that its first words can't lead to, of which nothing that it prints speaks
 */
export function makeProgram(context: CliContext, run: Run, [first, second]: readonly string[] = []): Command {
  const program = new Command("openclaw")
    .description("Runs AI agents' tools in sandboxes, and keeps the sandboxes as the config describes them.")
    .version(readVersion(), "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .helpCommand("help [command]", "print help for a command")
    .addHelpText("after", AFTER_HELP)
    .configureHelp({ subcommandTerm: toTerm, visibleCommands: toListed, minWidthToWrap: 20 })
    .showSuggestionAfterError(true)
    .showHelpAfterError("  openclaw --help shows the commands")
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void context.stdout.write(text),
      writeErr: (text) => void context.stderr.write(toSafeText(redactSecrets(text))),
      getOutHelpWidth: () => context.stdout.columns ?? 100,
      getErrHelpWidth: () => context.stderr.columns ?? 100,
      outputError: (text, write) => write(toErrorText(text)),
    });
  const only = GROUPS.filter(({ words }) => first !== undefined && words.includes(first));
  for (const { add } of only.length > 0 ? only : GROUPS) add(program, context, run, second);
  for (const command of everyCommand(program)) {
    command.copyInheritedSettings(command.parent ?? program);
    command.showHelpAfterError(`  ${toFullName(command)} --help ${command.commands.length > 0 ? "shows the commands" : "shows the usage"}`);
  }
  return program;
}

/** An unknown command that people know from elsewhere is answered with ours, which is nearer than any word that looks like it. */
function toErrorText(text: string): string {
  const said = text.replace(/^error: /, "");
  const [, talker] = /^too many arguments for '(agent|chat)'/.exec(said) ?? [];
  if (talker !== undefined)
    return `openclaw: ${talker} takes no text beside its options\n  openclaw agent --message "TEXT" says one thing; openclaw chat converses\n`;
  const ours = renderOurs(/^unknown command '([^']*)'/.exec(said)?.[1] ?? "");
  if (ours.length === 0) return `openclaw: ${said.replace(/^\(Did you mean (.*)\)$/m, "  did you mean $1")}`;
  return `openclaw: ${said.split("\n")[0]}; here it is:\n${ours.map((line) => `  ${line}\n`).join("")}`;
}

/** `openclaw sandbox list`. */
const toFullName = (command: Command): string => (command.parent === null ? "" : `${toFullName(command.parent)} `) + command.name();

function everyCommand(command: Command): Command[] {
  return command.commands.flatMap((child) => [child, ...everyCommand(child)]);
}

function toExitCode(error: unknown, context: CliContext): ExitCode {
  // Commander has printed it already; help and version are not errors.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (error instanceof OperationError) {
    printError(context, error);
    return ERROR_CODES[error.code].exitCode;
  }
  printNote(context, `openclaw: this is a bug: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  return EXIT.failed;
}
