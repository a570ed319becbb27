// The commands about detached processes in a sandbox. Options and help only; the code is in commands/sandbox-processes.ts.
// They are started by `sandbox exec -d`.
import { type Command, Option } from "commander";
import type { CliContext } from "./context.ts";
import { followOption, jsonOption, NAME_HELP, parseWholeNumber, type Run, stateDirOption } from "./options.ts";

export function addDetachedCommands(sandbox: Command, context: CliContext, run: Run): void {
  const processes = sandbox.command("processes").alias("ps").description("manage detached processes (exec -d)");
  const load = () => import("./commands/sandbox-processes.ts");
  processes
    .command("list")
    .alias("ls")
    .description("list running processes, and those that exited since the container started")
    .argument("<sandbox>", NAME_HELP)
    .addOption(stateDirOption())
    .addOption(jsonOption())
    .action((sandboxName, options) => run(async () => (await load()).listProcesses(context, sandboxName, options)));
  processes
    .command("log")
    .description("print a process's output, stdout and stderr interleaved")
    .argument("<sandbox>", NAME_HELP)
    .argument("<id>")
    .addOption(new Option("--offset <bytes>", "start at this byte").argParser(parseWholeNumber))
    .addOption(followOption("keep printing until the process exits"))
    .addOption(stateDirOption())
    .action((sandboxName, id, options) => run(async () => (await load()).readProcessLog(context, { sandbox: sandboxName, id }, options)));
  processes
    .command("write")
    .description("send a line to a process's stdin; without one, forward stdin")
    .argument("<sandbox>", NAME_HELP)
    .argument("<id>")
    .argument("[line]")
    .addOption(new Option("--end", "close its stdin afterwards"))
    .addOption(stateDirOption())
    .addOption(jsonOption())
    .action((sandboxName, id, text, options) =>
      run(async () => (await load()).writeProcess(context, { sandbox: sandboxName, id, text }, options)),
    );
  processes
    .command("kill")
    .description("send a signal to a process and everything it started")
    .argument("<sandbox>", NAME_HELP)
    .argument("<id>")
    .addOption(new Option("--signal <name>", "signal, such as TERM or INT").default("KILL"))
    .addOption(stateDirOption())
    .addOption(jsonOption())
    .action((sandboxName, id, options) => run(async () => (await load()).killProcess(context, { sandbox: sandboxName, id }, options)));
}
