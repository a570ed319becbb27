// The commands of a first day: onboard, dashboard, logs, and those that are not there yet. Options and help only; the code is in commands/.
import { type Command, InvalidArgumentError, Option } from "commander";
import type { CliContext } from "./context.ts";
import { type Answers, QUESTION_NAMES, QUESTIONS } from "./onboarding/questions.ts";
import { configOption, jsonOption, type Run, stateDirOption } from "./options.ts";

export function addOnboardCommands(program: Command, context: CliContext, run: Run): void {
  const onboard = program
    .command("onboard")
    .description("write a first config, or change the one that is there; asks at a terminal, takes flags elsewhere")
    .addOption(configOption())
    .addOption(stateDirOption())
    .addOption(new Option("--non-interactive", "ask nothing: flags, and defaults for a new config"))
    .action((options) => run(async () => (await import("./commands/onboard.ts")).runOnboard(context, toAnswers(options), options)));
  for (const name of QUESTION_NAMES) onboard.addOption(toOption(name));
  program
    .command("dashboard")
    .description("where the gateway's page is and how to log in; opens it on a desktop")
    .addOption(configOption())
    .addOption(stateDirOption())
    .addOption(new Option("--no-open", "only print the address"))
    .addOption(new Option("--qr", "as a QR code too, for a phone"))
    .action((options) => run(async () => (await import("./commands/dashboard.ts")).showDashboard(context, options)));
  program
    .command("logs")
    .description("what the controller did and why, of all sandboxes; says where the processes' own logs are")
    .addOption(new Option("--follow", "go on as things happen"))
    .addOption(stateDirOption())
    .addOption(jsonOption())
    .action((options) => run(async () => (await import("./commands/logs.ts")).showLogs(context, options)));
  addMissing(program, context, run, { name: "devices", verbs: ["list", "approve", "reject", "revoke"] });
  addMissing(program, context, run, { name: "channels", verbs: ["login", "add", "list", "remove"] });
}

interface Missing {
  name: "devices" | "channels";
  verbs: readonly string[];
}

function addMissing(program: Command, context: CliContext, run: Run, { name, verbs }: Missing): void {
  const group = program.command(name).description(`${verbs.join(", ")}: not there yet; each says what to do meanwhile`);
  for (const verb of verbs) {
    group
      .command(verb)
      .argument("[arguments...]")
      .allowUnknownOption()
      .action(() => run(async () => (await import("./commands/not-yet.ts")).explainMissing(context, name)));
  }
}

function toOption(name: keyof typeof QUESTIONS): Option {
  const { flag, valueName, question, choices } = QUESTIONS[name];
  const values = choices.map(({ value }) => value).join(", ");
  const option = new Option(`--${flag} <${valueName}>`, values === "" ? question : `${question} (${values})`);
  return name === "port" ? option.argParser(parsePort) : option;
}

/** The flags that were given, by commander's names, which are the questions' own. */
function toAnswers(options: Record<string, unknown>): Answers {
  const given = QUESTION_NAMES.map((name) => [name, options[name]] as const);
  return Object.fromEntries(given.filter(([, answer]) => answer !== undefined));
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port < 1 || port > 65_535) throw new InvalidArgumentError("expected a port from 1 to 65535.");
  return port;
}
