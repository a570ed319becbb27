// The commands about the config file. Options and help only; the code is in commands/config*.ts.
// They need no controller: it notices a changed file by itself.
import { type Command, Option } from "commander";
import type { CliContext } from "./context.ts";
import { configOption, HELP_GROUPS, jsonOption, type Run, stateDirOption } from "./options.ts";

export function addConfigCommands(program: Command, context: CliContext, run: Run): void {
  const config = program.command("config").description("check, read and edit the config file").helpGroup(HELP_GROUPS.work);
  const load = () => import("./commands/config.ts");
  config
    .command("validate")
    .description("check the file; report each issue with file, line, column and fix; exit code 1 if it is invalid")
    .addOption(configOption())
    .addOption(stateDirOption())
    .addOption(jsonOption())
    .action((options) => run(async () => (await load()).validateConfig(context, options)));
  config
    .command("get")
    .description("print one value, e.g. agents.defaults.sandbox.mode; exit code 3 if it is not set")
    .argument("<path>")
    .addOption(configOption())
    .addOption(stateDirOption())
    .addOption(jsonOption())
    .action((path, options) => run(async () => (await load()).getConfigValue(context, path, options)));
  config
    .command("show")
    .description("print the file as JSON, with possible secrets masked")
    .addOption(configOption())
    .addOption(stateDirOption())
    .action((options) => run(async () => (await load()).showConfig(context, options)));
  config
    .command("set")
    .description("change one value and keep the rest of the file as it is; refuses to save an invalid config")
    .argument("<path>")
    .argument("<value>", "JSON5; a bare word is a string")
    .addOption(configOption())
    .addOption(stateDirOption())
    .action((path, value, options) => run(async () => (await load()).setConfigValue(context, { path, value }, options)));
  config
    .command("unset")
    .description("remove one value and keep the rest of the file as it is; exit code 3 if it is not set")
    .argument("<path>")
    .addOption(configOption())
    .addOption(stateDirOption())
    .action((path, options) => run(async () => (await load()).unsetConfigValue(context, path, options)));
  config
    .command("patch")
    .description("change the lines that a diff on stdin names, as the Control UI prepares it; refuses lines that are not as it expects")
    .addOption(configOption())
    .addOption(stateDirOption())
    .action((options) => run(async () => (await import("./commands/config-patch.ts")).patchConfig(context, options)));
  config
    .command("edit")
    .description("edit the file in $VISUAL or $EDITOR; checks it, shows the plan, asks, and saves it at once")
    .addOption(new Option("--yes", "do not ask for confirmation; required without a terminal"))
    .addOption(configOption())
    .addOption(stateDirOption())
    .action((options) => run(async () => (await import("./commands/config-edit.ts")).editConfig(context, options)));
  config
    .command("schema")
    .description("print the config's JSON Schema, for editors")
    .action(() => run(async () => (await load()).showConfigSchema(context)));
}
