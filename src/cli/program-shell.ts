// The commands for a person's shell: completion scripts and manual pages, both from the table of commands that the help is made of.
// What they look like is completion.ts's and man-page.ts's.
import { Argument, type Command, Option } from "commander";
import { renderCompletion, SHELLS } from "./completion.ts";
import { type CliContext, EXIT } from "./context.ts";
import { HELP_GROUPS, type Run } from "./options.ts";

/** @param program with every other command: what is added later has neither */
export function addShellCommands(program: Command, context: CliContext, run: Run): void {
  program
    .command("completion")
    .description("print a completion script; bash: source <(openclaw completion bash)")
    .helpGroup(HELP_GROUPS.look)
    .addArgument(new Argument("<shell>").choices(SHELLS))
    .action((shell) =>
      run(async () => {
        context.stdout.write(renderCompletion(program, shell));
        return EXIT.ok;
      }),
    );
  program
    .command("man")
    .description("print a manual page, for: openclaw man sandbox list | man -l -")
    .helpGroup(HELP_GROUPS.look)
    .argument("[command...]", "of which command (default: the program)")
    .addOption(new Option("--all <folder>", "write every page into man1 of this folder, such as ~/.local/share/man"))
    .action((words, options) => run(async () => (await import("./commands/man.ts")).showManPage(context, { program, words }, options)));
}
