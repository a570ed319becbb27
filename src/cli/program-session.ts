// The commands about sessions. Options and help only; the code is in commands/session.ts.
// All of them ask the gateway.
import { type Command, Option } from "commander";
import { MESSAGE_ROLES } from "../api/message-roles.ts";
import type { CliContext } from "./context.ts";
import { gatewayOptions, HELP_GROUPS, jsonOption, outputOptions, parseWholeNumber, type Run } from "./options.ts";

const KEY_HELP = "full (agent:work:main) or short (main, an agent's id)";
const HISTORY_LENGTH_DEFAULT = 100;

export function addSessionCommands(program: Command, context: CliContext, run: Run): void {
  const session = program
    .command("session")
    .description("create and list sessions, read and write their messages, end them")
    .helpGroup(HELP_GROUPS.work);
  const load = () => import("./commands/session.ts");
  const add = (name: string, description: string): Command => session.command(name).description(description);
  const forceOption = (): Option => new Option("--force", "do not ask for confirmation");
  add("create", "create a session, or find the one that is there; its sandbox is created at once")
    .argument("[key]", `${KEY_HELP}; without one, a new conversation`)
    .addOption(new Option("--agent <id>", "agent (default: the key's, else the default agent)"))
    .action((key, options) => run(async () => (await load()).createSession(context, key, options)));
  add("list", "list sessions")
    .alias("ls")
    .action((options) => run(async () => (await load()).listSessions(context, options)));
  add("history", "print a session's messages, oldest first")
    .argument("<key>", KEY_HELP)
    .addOption(new Option("--limit <count>", "at most this many").default(HISTORY_LENGTH_DEFAULT).argParser(parseWholeNumber))
    .addOption(new Option("--after <id>", "begin after this message").default(0).argParser(parseWholeNumber))
    .action((key, options) => run(async () => (await load()).showHistory(context, key, options)));
  add("send", "append a message to a session; without one on the command line, stdin is the message")
    .argument("<key>", KEY_HELP)
    .argument("[message...]")
    .addOption(new Option("--role <role>", "who says it (default: user)").choices(MESSAGE_ROLES))
    .action((key, words, options) => run(async () => (await load()).sendMessage(context, { key, words }, options)));
  add("reset", "begin a new conversation under the same key; a sandbox of its own is created anew")
    .argument("<key>", KEY_HELP)
    .addOption(forceOption())
    .action((key, options) => run(async () => (await load()).resetSession(context, key, options)));
  add("delete", "end a session and remove its messages; a sandbox that no other session uses is removed")
    .alias("rm")
    .argument("<key>", KEY_HELP)
    .addOption(forceOption())
    .action((key, options) => run(async () => (await load()).deleteSession(context, key, options)));
  for (const command of session.commands) {
    for (const option of gatewayOptions()) command.addOption(option);
    for (const option of command.name() === "list" ? outputOptions() : [jsonOption()]) command.addOption(option);
  }
}
