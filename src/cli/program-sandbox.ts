// The commands about sandboxes. Options and help only; the code is in commands/.
// All of them ask the controller; none acts on the engine.
import { type Command, Option } from "commander";
import type { CliContext } from "./context.ts";
import { jsonOption, type Run, stateDirOption } from "./program.ts";

export function addSandboxCommands(program: Command, context: CliContext, run: Run): void {
  const sandbox = program.command("sandbox").description("look at sandboxes, run commands in them, ask for them to be recreated");
  addLookingCommands(sandbox, context, run);
}

function addLookingCommands(sandbox: Command, context: CliContext, run: Run): void {
  sandbox
    .command("list")
    .alias("ls")
    .description("the sandboxes and whether they are ready")
    .addOption(new Option("--browser", "browser sandboxes instead of tools sandboxes").conflicts("all"))
    .addOption(new Option("--all", "tools and browser sandboxes"))
    .addOption(new Option("--watch", "go on, and show each change"))
    .addOption(stateDirOption())
    .addOption(jsonOption())
    .action((options) => run(async () => (await import("./commands/sandbox-list.ts")).listSandboxes(context, options)));
  sandbox
    .command("describe")
    .description("spec, status, conditions, drift and events of one sandbox")
    .argument("<name>", "a sandbox's name, or the agent or session that it belongs to")
    .addOption(stateDirOption())
    .addOption(jsonOption())
    .action((name, options) => run(async () => (await import("./commands/sandbox-describe.ts")).describeSandbox(context, name, options)));
  sandbox
    .command("plan")
    .description("what the controller would do now, or with another config file; changes nothing")
    .addOption(new Option("--config <file>", "plan with this file; default: the config in force"))
    .addOption(new Option("--exit-code", "exit code 5 when there is something to do"))
    .addOption(stateDirOption())
    .addOption(jsonOption())
    .action((options) => run(async () => (await import("./commands/sandbox-plan.ts")).planSandboxes(context, options)));
}
