// Commands of the reference that this product has no counterpart for yet. They are here so that each says what to do meanwhile (commands/not-yet.ts).
import type { Command } from "commander";
import type { CliContext } from "./context.ts";
import { HELP_GROUPS, type Run } from "./options.ts";

export function addMissingCommands(program: Command, context: CliContext, run: Run): void {
  const missing = [{ name: "channels", verbs: ["login", "add", "list", "remove"], description: "chat channels" }] as const;
  for (const { name, verbs, description } of missing) {
    const group = program.command(name).description(description).helpGroup(HELP_GROUPS.missing);
    for (const verb of verbs) {
      group
        .command(verb)
        .description("not available yet; prints an alternative")
        .argument("[arguments...]")
        .allowUnknownOption()
        .action(() => run(async () => (await import("./commands/not-yet.ts")).explainMissing(context, name)));
    }
  }
}
