// The commands about the secrets of model providers: options and help only; the code is in commands/models-auth*.ts. None takes a secret as an argument.
// The group that they are part of is program-models.ts's.
import { type Command, Option } from "commander";
import type { CliContext } from "./context.ts";
import { configOption, jsonOption, parseMilliseconds, type Run, stateDirOption } from "./options.ts";

export function addModelAuthCommands(models: Command, context: CliContext, run: Run): void {
  const auth = models.command("auth").description("sign in to model providers, and keep their keys");
  const load = () => import("./commands/models-auth.ts");
  const add = (name: string, description: string): Command => withTarget(auth.command(name).description(description));
  add("login", "sign in with a browser (OpenAI Codex); the address that it ends at can be pasted")
    .addOption(providerOption())
    .addOption(profileOption())
    .addOption(new Option("--no-open", "do not open a browser"))
    .addOption(new Option("--no-check", "keep it without letting a model answer once"))
    .action((options) => run(async () => (await import("./commands/models-auth-login.ts")).logIn(context, options)));
  add("list", "list sign-ins and keys, and how each stands; never a secret")
    .addOption(providerOption())
    .action((options) => run(async () => (await load()).listSignIns(context, options)));
  add("logout", "forget the secret of a profile")
    .argument("<profile>", "such as openai:default")
    .addOption(new Option("--yes", "do not ask for confirmation; required without a terminal"))
    .action((profile, options) => run(async () => (await load()).logOut(context, profile, options)));
  add("paste-api-key", "keep an API key: asks without showing it, or reads stdin")
    .addOption(providerOption().makeOptionMandatory())
    .addOption(profileOption())
    .action((options) => run(async () => (await load()).pasteApiKey(context, options)));
  add("paste-token", "keep a bearer token, such as that of claude setup-token: asks without showing it, or reads stdin")
    .addOption(providerOption().makeOptionMandatory())
    .addOption(profileOption())
    .addOption(new Option("--expires-in <duration>", "when it ends, such as 365d, as far as you know").argParser(parseMilliseconds))
    .action((options) => run(async () => (await load()).pasteToken(context, options)));
  const order = auth.command("order").description("in which order the profiles of a provider are tried");
  const addOrder = (name: string, description: string): Command =>
    withTarget(order.command(name).description(description)).addOption(providerOption().makeOptionMandatory());
  addOrder("get", "print the order that was chosen").action((options) => run(async () => (await load()).showOrder(context, options)));
  addOrder("set", "try these first, one after the other")
    .argument("<profile...>")
    .action((profiles, options) => run(async () => (await load()).setOrder(context, profiles, options)));
  addOrder("clear", "go by the config again").action((options) => run(async () => (await load()).clearOrder(context, options)));
}

const providerOption = (): Option => new Option("--provider <name>", "such as openai or anthropic");
const profileOption = (): Option => new Option("--profile-id <profile>", "PROVIDER:NAME (default: PROVIDER:default)");

function withTarget(command: Command): Command {
  const options = [
    new Option("--token <token>", "owner key of the gateway (default: <state>/gateway/owner-key)"),
    new Option("--url <url>", "the gateway's URL, with --token (OPENCLAW_GATEWAY_URL; default: read from the state folder)"),
    new Option("--timeout <duration>", "how long to wait for the gateway, such as 10s, or milliseconds").argParser(parseMilliseconds),
    ...[configOption(), stateDirOption(), jsonOption()],
  ];
  for (const option of options) command.addOption(option);
  return command;
}
