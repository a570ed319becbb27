// The commands about models and their providers. Options and help only; the code is in commands/models*.ts.
// They ask the gateway, or read the config where none runs; `set` edits the config, as a person does. Sign-ins and keys are program-models-auth.ts's.
import { type Command, Option } from "commander";
import type { CliContext } from "./context.ts";
import { configOption, gatewayOptions, HELP_GROUPS, jsonOption, type Run, stateDirOption } from "./options.ts";
import { addModelAuthCommands } from "./program-models-auth.ts";

export function addModelCommands(program: Command, context: CliContext, run: Run): void {
  const models = program
    .command("models")
    .description("show which models answer and who is signed in, and set the model of an agent")
    .helpGroup(HELP_GROUPS.work);
  const load = () => import("./commands/models.ts");
  const status = models
    .command("status", { isDefault: true })
    .description("show each agent's models, who is signed in at their providers, and what was used today")
    .addOption(new Option("--check", "exit code 0: every agent's model can be called; 1: one can't; 2: a sign-in expires soon"))
    .addOption(new Option("--probe", "ask each model for one word, with this command's own access to the sign-ins; costs a few tokens"))
    .addOption(jsonOption());
  for (const option of gatewayOptions()) status.addOption(option);
  status.action((options) => run(async () => (await load()).showModels(context, options)));
  const list = models
    .command("list")
    .alias("ls")
    .description("list the models that agents use and those that the config describes")
    .addOption(new Option("--provider <id>", "only this provider's"))
    .addOption(jsonOption());
  for (const option of gatewayOptions()) list.addOption(option);
  list.action((options) => run(async () => (await load()).listModelsCommand(context, options)));
  models
    .command("set")
    .description("set the model that answers, provider/model, in the config file; everything else in the file stays as it is")
    .argument("<model>", "provider/model, or an alias from agents.defaults.models")
    .addOption(new Option("--agent <id>", "of this agent alone (default: of every agent without one of its own)"))
    .addOption(configOption())
    .addOption(stateDirOption())
    .action((model, options) => run(async () => (await import("./commands/models-set.ts")).setModel(context, model, options)));
  addModelAuthCommands(models, context, run);
}
