// The commands about sandboxes. Options and help only; the code is in commands/.
// All of them ask the controller; none acts on the engine.
import { type Command, Option } from "commander";
import type { CliContext } from "./context.ts";
import { HELP_GROUPS, jsonOption, parseWholeNumber, type Run, stateDirOption } from "./options.ts";
import { addDetachedCommands } from "./program-detached.ts";
import { addRolloutCommands } from "./program-rollout.ts";

export function addSandboxCommands(program: Command, context: CliContext, run: Run): void {
  const sandbox = program
    .command("sandbox")
    .description("look at sandboxes, run commands in them, have them recreated")
    .helpGroup(HELP_GROUPS.work);
  sandbox.enablePositionalOptions();
  sandbox.commandsGroup("Look:");
  addSandboxLookingCommands(sandbox, context, run);
  sandbox.commandsGroup("Run:");
  addRunningCommands(sandbox, context, run);
  sandbox.commandsGroup("Change:");
  addRequestCommands(sandbox, context, run);
  addRolloutCommands(sandbox, context, run);
}

function addSandboxLookingCommands(sandbox: Command, context: CliContext, run: Run): void {
  sandbox
    .command("list")
    .alias("ls")
    .description("list the sandboxes and whether they are ready")
    .addOption(new Option("--browser", "browser sandboxes instead of tools sandboxes").conflicts("all"))
    .addOption(new Option("--all", "tools and browser sandboxes"))
    .addOption(new Option("--watch", "go on, and show each change"))
    .addOption(stateDirOption())
    .addOption(jsonOption())
    .action((options) => run(async () => (await import("./commands/sandbox-list.ts")).listSandboxes(context, options)));
  sandbox
    .command("describe")
    .description("show spec, status, conditions, drift and events of one")
    .argument("<name>", NAME_HELP)
    .addOption(stateDirOption())
    .addOption(jsonOption())
    .action((name, options) => run(async () => (await import("./commands/sandbox-describe.ts")).describeSandbox(context, name, options)));
  sandbox
    .command("plan")
    .description("show what the controller would do now, or with another config file")
    .addOption(new Option("--config <file>", "plan with this file; default: the config in force"))
    .addOption(new Option("--exit-code", "exit code 5 when there is something to do"))
    .addOption(stateDirOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
Examples:
  openclaw sandbox plan --config next.json5
  openclaw sandbox plan --exit-code || echo something would be done`,
    )
    .action((options) => run(async () => (await import("./commands/sandbox-plan.ts")).planSandboxes(context, options)));
  sandbox
    .command("explain")
    .description("show what is in force for a session or agent, and which key of which file says so")
    .addOption(new Option("--session <key>", "session key; work means agent:work:main; default: the default agent's main session"))
    .addOption(new Option("--agent <id>", "agent"))
    .addOption(new Option("--all", "defaults too, and each tool by itself"))
    .addOption(new Option("--config <file>", "config file, when no controller runs (OPENCLAW_CONFIG_PATH; default <state>/openclaw.json)"))
    .addOption(stateDirOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
Examples:
  openclaw sandbox explain --agent main
  openclaw sandbox explain --session agent:main:main --all`,
    )
    .action((options) => run(async () => (await import("./commands/sandbox-explain.ts")).explainSandbox(context, options)));
  sandbox
    .command("events")
    .description("show what happened, to all sandboxes or to one")
    .argument("[name]", NAME_HELP)
    .addOption(new Option("--follow", "go on, and show each new one"))
    .addOption(stateDirOption())
    .addOption(jsonOption())
    .action((name, options) => run(async () => (await import("./commands/sandbox-events.ts")).showEvents(context, name, options)));
  sandbox
    .command("logs")
    .description("show what docker.setupCommand printed")
    .argument("<name>", NAME_HELP)
    .addOption(new Option("--tail <lines>", "at most so many lines").default(200).argParser(parseWholeNumber))
    .addOption(stateDirOption())
    .addOption(jsonOption())
    .action((name, options) => run(async () => (await import("./commands/sandbox-events.ts")).showSetupLog(context, name, options)));
  sandbox
    .command("audit")
    .description("find what is wrong with any OpenClaw sandbox container on the engine, whoever made it; exit code 1 when something is")
    .addOption(stateDirOption())
    .addOption(jsonOption())
    .action((options) => run(async () => (await import("./commands/sandbox-audit.ts")).auditSandboxes(context, options)));
}

function addRequestCommands(sandbox: Command, context: CliContext, run: Run): void {
  sandbox
    .command("recreate")
    .description("have new containers made, once no work lives in the old ones")
    .addOption(new Option("--all", "every sandbox, browsers too"))
    .addOption(new Option("--session <key>", "the sandbox of this session; main means agent:main:main"))
    .addOption(new Option("--agent <id>", "the sandboxes of this agent"))
    .addOption(new Option("--browser", "browser sandboxes only"))
    .addOption(new Option("--drifted", "only those that differ from their spec"))
    .addOption(new Option("--wait", "until the new ones are ready"))
    .addOption(new Option("--timeout <duration>", "how long --wait waits").default("10m"))
    .addOption(new Option("--force", "do not ask"))
    .addOption(new Option("--kill", "end live work too"))
    .addOption(stateDirOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
Examples:
  openclaw sandbox recreate --agent main --wait
  openclaw sandbox recreate --all --drifted`,
    )
    .action((options) => run(async () => (await import("./commands/sandbox-recreate.ts")).recreateSandboxes(context, options)));
  sandbox
    .command("approve")
    .description("let through removals that were too many at once: shows them, then asks")
    .addOption(new Option("--yes", "do not ask; needed where no terminal is"))
    .addOption(stateDirOption())
    .addOption(jsonOption())
    .action((options) => run(async () => (await import("./commands/sandbox-approve.ts")).approveRemovals(context, options)));
  sandbox
    .command("wait")
    .description("wait until sandboxes are as wished; exit code 4 when the time is over")
    .argument("[name]", NAME_HELP)
    .addOption(new Option("--all", "every sandbox"))
    .addOption(new Option("--for <goal>", "what to wait for").choices(["ready", "converged", "gone"]).default("ready"))
    .addOption(new Option("--timeout <duration>", "such as 60s or 5m").default("60s"))
    .addOption(stateDirOption())
    .addHelpText(
      "after",
      `
Examples:
  openclaw sandbox wait main
  openclaw sandbox wait --all --for converged --timeout 5m`,
    )
    .action((name, options) => run(async () => (await import("./commands/sandbox-wait.ts")).waitForSandboxes(context, name, options)));
  sandbox
    .command("prune")
    .description("remove what is ours and nobody wants, as the controller does by itself")
    .addOption(new Option("--dry-run", "only show it"))
    .addOption(stateDirOption())
    .addOption(jsonOption())
    .action((options) => run(async () => (await import("./commands/sandbox-prune.ts")).pruneSandboxes(context, options)));
}

const NAME_HELP = "a sandbox's name, or the agent or session that it belongs to";

function addRunningCommands(sandbox: Command, context: CliContext, run: Run): void {
  const collect = (value: string, before: string[] = []): string[] => [...before, value];
  sandbox
    .command("exec")
    .description("run a command in a sandbox; ends with its exit code")
    .usage("[options] <name> -- <command...>")
    .argument("<name>", NAME_HELP)
    .argument("[command...]", "the command and its arguments")
    .passThroughOptions()
    .addOption(new Option("-i, --interactive", "pass stdin on"))
    .addOption(new Option("-t, --tty", "with a terminal; implies -i"))
    .addOption(new Option("-d, --detach", "print an id and leave it running; see: openclaw sandbox ps"))
    .addOption(new Option("--timeout <duration>", "kill it after this; exit code 4"))
    .addOption(new Option("--workdir <path>", "where it runs; default: the sandbox's workdir"))
    .addOption(new Option("--env <name=value>", "a variable; NAME alone takes this shell's value; may be repeated").argParser(collect))
    .addOption(stateDirOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
Examples:
  openclaw sandbox exec main -- sh -c 'id; pwd'
  tar c src | openclaw sandbox exec -i main -- tar x
  openclaw sandbox exec -it main -- bash
  openclaw sandbox exec -d main -- npm run dev`,
    )
    .action((name, words, options) =>
      run(async () => (await import("./commands/sandbox-exec.ts")).execInSandbox(context, { name, words }, options)),
    );
  addDetachedCommands(sandbox, context, run);
}
