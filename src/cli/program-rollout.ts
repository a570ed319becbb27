// The commands that look at rollouts and hold them back. Options and help only; the code is in commands/sandbox-rollout.ts.
// None acts on the engine.
import { type Command, Option } from "commander";
import type { CliContext } from "./context.ts";
import { jsonOption, NAME_HELP, parseWholeNumber, type Run, stateDirOption } from "./options.ts";

export function addRolloutCommands(sandbox: Command, context: CliContext, run: Run): void {
  const load = () => import("./commands/sandbox-rollout.ts");
  const rollout = sandbox.command("rollout").description("show, pause, resume and undo rollouts");
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
  const loadUndo = () => import("./commands/config-undo.ts");
  rollout
    .command("history")
    .description("show the configs that were in force; with --revision the text of one, without its secrets")
    .addOption(new Option("--revision <number>", "show this one").argParser(parseWholeNumber))
    .addOption(stateDirOption())
    .addOption(jsonOption())
    .action((options) => run(async () => (await loadUndo()).showHistory(context, options)));
  rollout
    .command("undo")
    .description("put an earlier config back: shows the plan, asks, and saves it")
    .addOption(new Option("--to-revision <number>", "which one (default: the one before)").argParser(parseWholeNumber))
    .addOption(new Option("--yes", "do not ask for confirmation; required without a terminal"))
    .addOption(stateDirOption())
    .action((options) => run(async () => (await loadUndo()).undoRollout(context, options)));
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
