// The commands that talk to an agent: one message, or a conversation. Options and help only; the code is in commands/.
// Both ask the gateway.
import { type Command, Option } from "commander";
import type { CliContext } from "./context.ts";
import { gatewayOptions, HELP_GROUPS, jsonOption, parseCommandTimeout, type Run } from "./options.ts";

const sessionOptions = (): Option[] => [
  new Option("--session <key>", "session, full or short (default: the agent's main session)"),
  new Option("--agent <id>", "agent (default: the session's, else the default agent)"),
];

export function addChatCommands(program: Command, context: CliContext, run: Run): void {
  const agent = program
    .command("agent")
    .description("say one thing to an agent, and print its answer as it comes")
    .helpGroup(HELP_GROUPS.work)
    .addOption(new Option("-m, --message <text>", "what to say (default: stdin)"))
    .addOption(new Option("--timeout <time>", "of the whole run, such as 10m (default: the config's)").argParser(parseCommandTimeout))
    .addOption(jsonOption())
    .action((options) => run(async () => (await import("./commands/agent.ts")).runAgent(context, options)));
  const chat = program
    .command("chat")
    .alias("tui")
    .description("converse with an agent at the terminal: what it says and does as it happens; Esc stops it")
    .helpGroup(HELP_GROUPS.work)
    .action((options) => run(async () => (await import("./commands/chat.ts")).runChat(context, options)));
  for (const command of [agent, chat]) for (const option of [...sessionOptions(), ...gatewayOptions()]) command.addOption(option);
}
