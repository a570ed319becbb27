// The commands that look at rollouts and hold them back. Options and help only; the code is in commands/sandbox-rollout.ts.
// None acts on the engine.
import type { Command } from "commander";
import type { CliContext } from "./context.ts";
import { jsonOption, type Run, stateDirOption } from "./options.ts";

export function addRolloutCommands(sandbox: Command, context: CliContext, run: Run): void {
  const load = () => import("./commands/sandbox-rollout.ts");
  const rollout = sandbox.command("rollout").description("how changes reach sandboxes, and holding them back");
  rollout
    .command("status")
    .description("which changes are under way: who has them, who waits for what, who failed and what to do")
    .addOption(stateDirOption())
    .addOption(jsonOption())
    .action((options) => run(async () => (await load()).showRollout(context, options)));
  rollout
    .command("pause")
    .description("replace no working sandbox until resumed; making, repairing and removing go on")
    .addOption(stateDirOption())
    .action((options) => run(async () => (await load()).pauseRollouts(context, options)));
  rollout
    .command("resume")
    .description("let changes go on")
    .addOption(stateDirOption())
    .action((options) => run(async () => (await load()).resumeRollouts(context, options)));
  for (const [name, pinned, description] of [
    ["pin", true, "keep one sandbox as it is, whatever the config says"],
    ["unpin", false, "let it follow the config again"],
  ] as const) {
    sandbox
      .command(name)
      .description(description)
      .argument("<name>", "a sandbox's name, or the agent or session that it belongs to")
      .addOption(stateDirOption())
      .action((text, options) => run(async () => (await load()).setPin(context, text, { ...options, pinned })));
  }
}
