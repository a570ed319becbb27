// The commands about the config file. Options and help only; the code is in commands/config.ts.
// They need no controller: it notices a changed file by itself.
import type { Command } from "commander";
import type { CliContext } from "./context.ts";
import { configOption, HELP_GROUPS, jsonOption, type Run, stateDirOption } from "./options.ts";

export function addConfigCommands(program: Command, context: CliContext, run: Run): void {
  const config = program.command("config").description("check, read and edit the config file").helpGroup(HELP_GROUPS.work);
  const load = () => import("./commands/config.ts");
  config
    .command("validate")
    .description("check the file: every issue with file, line, column and what to do; exit code 1 when it can't be used")
    .addOption(configOption())
    .addOption(stateDirOption())
    .addOption(jsonOption())
    .action((options) => run(async () => (await load()).validateConfig(context, options)));
  config
    .command("get")
    .description("print one value, e.g. agents.defaults.sandbox.mode; exit code 3 when it is not there")
    .argument("<path>")
    .addOption(configOption())
    .addOption(stateDirOption())
    .addOption(jsonOption())
    .action((path, options) => run(async () => (await load()).getConfigValue(context, path, options)));
  config
    .command("show")
    .description("print the file as JSON, with every value that may be a secret masked")
    .addOption(configOption())
    .addOption(stateDirOption())
    .action((options) => run(async () => (await load()).showConfig(context, options)));
  config
    .command("set")
    .description("change one value and leave everything else in the file as it is; refused when the result could not be used")
    .argument("<path>")
    .argument("<value>", "JSON5; a bare word is taken as a string")
    .addOption(configOption())
    .addOption(stateDirOption())
    .action((path, value, options) => run(async () => (await load()).setConfigValue(context, { path, value }, options)));
  config
    .command("schema")
    .description("print the config's JSON Schema, for editors")
    .action(() => run(async () => (await load()).showConfigSchema(context)));
}
