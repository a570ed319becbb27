// The commands that look at rollouts and hold them back. Options and help only; the code is in commands/sandbox-rollout.ts.
// None acts on the engine.
import type { Command } from "commander";
import type { CliContext } from "./context.ts";
import { jsonOption, NAME_HELP, type Run, stateDirOption } from "./options.ts";

export function addRolloutCommands(sandbox: Command, context: CliContext, run: Run): void {
  const load = () => import("./commands/sandbox-rollout.ts");
  const rollout = sandbox.command("rollout").description("show, pause and resume rollouts");
  rollout
    .command("status")
    .description("show the changes being rolled out: which sandboxes are done, waiting or failed, and what to do")
    .addOption(stateDirOption())
    .addOption(jsonOption())
    .action((options) => run(async () => (await load()).showRollout(context, options)));
  rollout
    .command("pause")
    .description("stop replacing working sandboxes until resumed; they are still created, repaired and removed")
    .addOption(stateDirOption())
    .action((options) => run(async () => (await load()).pauseRollouts(context, options)));
  rollout
    .command("resume")
    .description("resume rollouts")
    .addOption(stateDirOption())
    .action((options) => run(async () => (await load()).resumeRollouts(context, options)));
  for (const [name, pinned, description] of [
    ["pin", true, "keep one sandbox as it is, whatever changes in the config"],
    ["unpin", false, "let a pinned sandbox follow the config again"],
  ] as const) {
    sandbox
      .command(name)
      .description(description)
      .argument("<name>", NAME_HELP)
      .addOption(stateDirOption())
      .action((text, options) => run(async () => (await load()).setPin(context, text, { ...options, pinned })));
  }
}
