// The commands about models and their providers: options and help only; the code is in commands/.
// Sign-ins and keys are program-models-auth.ts's.
import type { Command } from "commander";
import type { CliContext } from "./context.ts";
import { HELP_GROUPS, type Run } from "./options.ts";
import { addModelAuthCommands } from "./program-models-auth.ts";

export function addModelCommands(program: Command, context: CliContext, run: Run): void {
  const models = program.command("models").description("model providers, and how they are signed in to").helpGroup(HELP_GROUPS.work);
  addModelAuthCommands(models, context, run);
}
