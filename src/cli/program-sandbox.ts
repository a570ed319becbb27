// The commands about sandboxes. Options and help only; the code is in commands/.
// All of them ask the controller; none acts on the engine.
import { type Command, Option } from "commander";
import type { CliContext } from "./context.ts";
import {
  followOption,
  HELP_GROUPS,
  jsonOption,
  NAME_HELP,
  outputOptions,
  parseCommandTimeout,
  parseInterval,
  parseMilliseconds,
  parseWholeNumber,
  type Run,
  stateDirOption,
} from "./options.ts";
import { addDetachedCommands } from "./program-detached.ts";
import { addEgressCommands } from "./program-egress.ts";
import { addRolloutCommands } from "./program-rollout.ts";

const SESSION_HELP = "full (agent:work:main) or short: main, an agent's id for its main session, or the rest of a key of the default agent";

/** In the place of the sandbox that a name means. */
const browserOption = (): Option => new Option("--browser", "the browser beside that sandbox");

type AddCommands = (sandbox: Command, context: CliContext, run: Run) => void;

/** In the order of the help, and the words that lead to each. */
const PARTS: readonly { group: string; add: AddCommands; words: readonly string[] }[] = [
  { group: "Inspect:", add: addListCommand, words: ["list", "ls"] },
  { group: "Inspect:", add: addDescribeCommand, words: ["describe"] },
  { group: "Inspect:", add: addPlanCommand, words: ["plan"] },
  { group: "Inspect:", add: addExplainCommand, words: ["explain"] },
  { group: "Inspect:", add: addUsageCommand, words: ["top"] },
  { group: "Inspect:", add: addRecordCommands, words: ["events", "logs", "audit"] },
  { group: "Inspect:", add: addEgressCommands, words: ["egress"] },
  { group: "Run:", add: addExecCommand, words: ["exec"] },
  { group: "Run:", add: addCopyCommand, words: ["cp"] },
  { group: "Run:", add: addDetachedCommands, words: ["processes", "ps"] },
  { group: "Change:", add: addRequestCommands, words: ["recreate", "approve", "wait", "prune"] },
  { group: "Change:", add: addRolloutCommands, words: ["rollout"] },
];

/** @param second word of the command line, as `makeProgram`'s first. Absent: every command */
export function addSandboxCommands(program: Command, context: CliContext, run: Run, second?: string): void {
  const sandbox = program
    .command("sandbox")
    .description("inspect sandboxes, run commands in them, recreate them")
    .helpGroup(HELP_GROUPS.work);
  sandbox.enablePositionalOptions();
  const only = PARTS.filter(({ words }) => second !== undefined && words.includes(second));
  for (const { group, add } of only.length > 0 ? only : PARTS) {
    sandbox.commandsGroup(group);
    add(sandbox, context, run);
  }
}

function addListCommand(sandbox: Command, context: CliContext, run: Run): void {
  const list = sandbox
    .command("list")
    .alias("ls")
    .description("list sandboxes and whether they are ready")
    .argument("[name]", NAME_HELP)
    .addOption(new Option("--browser", "browser sandboxes instead of tools sandboxes").conflicts("all"))
    .addOption(new Option("--all", "list both tools and browser sandboxes"))
    .addOption(new Option("-w, --watch", "keep running and show each change"))
    .addOption(stateDirOption())
    .action((name, options) => run(async () => (await import("./commands/sandbox-list.ts")).listSandboxes(context, name, options)));
  for (const option of outputOptions()) list.addOption(option);
}

function addDescribeCommand(sandbox: Command, context: CliContext, run: Run): void {
  sandbox
    .command("describe")
    .description("show a sandbox's spec, status, conditions, drift and events")
    .argument("<name>", NAME_HELP)
    .addOption(browserOption())
    .addOption(stateDirOption())
    .addOption(jsonOption())
    .action((name, options) => run(async () => (await import("./commands/sandbox-describe.ts")).describeSandbox(context, name, options)));
}

function addPlanCommand(sandbox: Command, context: CliContext, run: Run): void {
  sandbox
    .command("plan")
    .description("show what the controller would do now, or with another config file")
    .addOption(new Option("--config <file>", "plan with this file (default: the config in force)"))
    .addOption(new Option("--exit-code", "exit with code 5 if there is anything to do"))
    .addOption(stateDirOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
Examples:
  openclaw sandbox plan --config next.json5
  openclaw sandbox plan --exit-code || echo changes are pending`,
    )
    .action((options) => run(async () => (await import("./commands/sandbox-plan.ts")).planSandboxes(context, options)));
}

function addExplainCommand(sandbox: Command, context: CliContext, run: Run): void {
  sandbox
    .command("explain")
    .description("show the settings in force for a session or agent, and which key of which file sets each")
    .argument("[name]", `${NAME_HELP} (default: the default agent's main session)`)
    .addOption(new Option("--session <key>", SESSION_HELP))
    .addOption(new Option("--agent <id>", "agent"))
    .addOption(browserOption())
    .addOption(new Option("--all", "include defaults, and list each tool by itself"))
    .addOption(
      new Option(
        "--config <file>",
        "config file to use when no controller is running (OPENCLAW_CONFIG_PATH; default <state>/openclaw.json)",
      ),
    )
    .addOption(stateDirOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
Examples:
  openclaw sandbox explain main
  openclaw sandbox explain --browser main
  openclaw sandbox explain --session agent:main:main --all`,
    )
    .action((name, options) => run(async () => (await import("./commands/sandbox-explain.ts")).explainSandbox(context, name, options)));
}

/** What they do, just now. */
function addUsageCommand(sandbox: Command, context: CliContext, run: Run): void {
  const top = sandbox
    .command("top")
    .description("show the CPU, memory and processes that sandboxes use now")
    .argument("[name]", NAME_HELP)
    .addOption(new Option("-w, --watch", "keep running and show them again and again"))
    .addOption(new Option("--interval <duration>", "time between two looks").default(2_000, "2s").argParser(parseInterval))
    .addOption(new Option("--sort <column>", "largest first; names in order").choices(["name", "cpu", "memory", "pids"]).default("name"))
    .addOption(stateDirOption())
    .action((name, options) => run(async () => (await import("./commands/sandbox-top.ts")).showUsage(context, name, options)));
  for (const option of outputOptions()) top.addOption(option);
}

function addRecordCommands(sandbox: Command, context: CliContext, run: Run): void {
  sandbox
    .command("events")
    .description("show the events of all sandboxes, or of one")
    .argument("[name]", NAME_HELP)
    .addOption(followOption("keep running and show new events"))
    .addOption(stateDirOption())
    .addOption(jsonOption())
    .action((name, options) => run(async () => (await import("./commands/sandbox-events.ts")).showEvents(context, name, options)));
  sandbox
    .command("logs")
    .description("show what docker.setupCommand and the commands run in a sandbox printed")
    .argument("<name>", NAME_HELP)
    .addOption(followOption("keep running and show new lines"))
    .addOption(new Option("--tail <lines>", "show at most this many lines").default(200).argParser(parseWholeNumber))
    .addOption(stateDirOption())
    .addOption(jsonOption())
    .action((name, options) => run(async () => (await import("./commands/sandbox-logs.ts")).showOutput(context, name, options)));
  sandbox
    .command("audit")
    .description("find problems in every OpenClaw sandbox container on the engine, whoever created it; exit code 1 if there are any")
    .addOption(stateDirOption())
    .addOption(jsonOption())
    .action((options) => run(async () => (await import("./commands/sandbox-audit.ts")).auditSandboxes(context, options)));
}

function addRequestCommands(sandbox: Command, context: CliContext, run: Run): void {
  sandbox
    .command("recreate")
    .description("recreate containers once no work is running in them")
    .argument("[name]", NAME_HELP)
    .addOption(new Option("--all", "all sandboxes, browsers included"))
    .addOption(new Option("--session <key>", `the sandbox of this session; ${SESSION_HELP}`))
    .addOption(new Option("--agent <id>", "the sandboxes of this agent"))
    .addOption(new Option("--browser", "browser sandboxes only; with a name, the browser beside that sandbox"))
    .addOption(new Option("--drifted", "only those that differ from their spec"))
    .addOption(new Option("--wait", "wait until the new containers are ready"))
    .addOption(new Option("--timeout <duration>", "timeout of --wait").default(600_000, "10m").argParser(parseMilliseconds))
    .addOption(new Option("--force", "do not ask for confirmation"))
    .addOption(new Option("--kill", "end running work instead of waiting for it"))
    .addOption(stateDirOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
Examples:
  openclaw sandbox recreate main --wait
  openclaw sandbox recreate --all --drifted`,
    )
    .action((name, options) => run(async () => (await import("./commands/sandbox-recreate.ts")).recreateSandboxes(context, name, options)));
  sandbox
    .command("approve")
    .description("approve removals held by the mass-removal guard: lists them, then asks")
    .addOption(new Option("--yes", "do not ask for confirmation; required without a terminal"))
    .addOption(stateDirOption())
    .addOption(jsonOption())
    .action((options) => run(async () => (await import("./commands/sandbox-approve.ts")).approveRemovals(context, options)));
  sandbox
    .command("wait")
    .description("wait until sandboxes are ready, converged or gone; exit code 4 on timeout")
    .argument("[name]", NAME_HELP)
    .addOption(new Option("--all", "all sandboxes"))
    .addOption(browserOption().conflicts("all"))
    .addOption(new Option("--for <goal>", "what to wait for").choices(["ready", "converged", "gone"]).default("ready"))
    .addOption(
      new Option("--timeout <duration>", "timeout, such as 60s or 5m, or milliseconds").default(60_000, "60s").argParser(parseMilliseconds),
    )
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
    .description("remove this controller's unused objects now, as the periodic sweep does")
    .addOption(new Option("--dry-run", "show what would be removed, without removing it"))
    .addOption(stateDirOption())
    .addOption(jsonOption())
    .action((options) => run(async () => (await import("./commands/sandbox-prune.ts")).pruneSandboxes(context, options)));
}

function addExecCommand(sandbox: Command, context: CliContext, run: Run): void {
  const collect = (value: string, before: string[] = []): string[] => [...before, value];
  sandbox
    .command("exec")
    .description("run a command in a sandbox, and exit with its exit code")
    .usage("[options] <name> -- <command...>")
    .argument("<name>", NAME_HELP)
    .argument("[command...]", "the command and its arguments")
    .passThroughOptions()
    .addOption(new Option("-i, --interactive", "forward stdin"))
    .addOption(new Option("-t, --tty", "allocate a terminal; implies -i"))
    .addOption(new Option("-d, --detach", "leave it running and print its id; see: openclaw sandbox ps"))
    .addOption(new Option("--timeout <duration>", "kill the command after this long; exit code 4").argParser(parseCommandTimeout))
    .addOption(new Option("--workdir <path>", "working directory (default: the sandbox's workdir)"))
    .addOption(new Option("--env <name=value>", "set a variable; NAME alone passes on this shell's value; repeatable").argParser(collect))
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
}

function addCopyCommand(sandbox: Command, context: CliContext, run: Run): void {
  sandbox
    .command("cp")
    .description("copy a file into a sandbox or out of it")
    .argument("<source>", "a file here, - for stdin, or NAME:PATH in a sandbox")
    .argument("<target>", "the same, - for stdout; a folder keeps the file's name")
    .addOption(stateDirOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
NAME is ${NAME_HELP}; PATH is absolute, or relative to the sandbox's workdir.
A path here that has a colon begins with / or ./. Folders: tar c FOLDER | openclaw sandbox exec -i NAME -- tar x

Examples:
  openclaw sandbox cp report.csv main:
  openclaw sandbox cp agent:work:main:/workspace/out.txt .
  openclaw sandbox cp - main:report.csv < report.csv`,
    )
    .action((source, target, options) =>
      run(async () => (await import("./commands/sandbox-cp.ts")).copyFile(context, { source, target }, options)),
    );
}
