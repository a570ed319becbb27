// The commands that a newcomer begins with: demo, doctor, onboard. Options and help only; the code is in commands/.
// What runs after them is program-processes.ts.
import { type Command, InvalidArgumentError, Option } from "commander";
import type { CliContext } from "./context.ts";
import { AUTH_CHOICE_NAMES, COMPATIBILITIES } from "./onboarding/choice-names.ts";
import { type Answers, QUESTION_NAMES, QUESTIONS } from "./onboarding/questions.ts";
import { configOption, HELP_GROUPS, jsonOption, type Run, stateDirOption } from "./options.ts";

export function addBeginningCommands(program: Command, context: CliContext, run: Run): void {
  program
    .command("demo")
    .description("run the five-minute tour in a temporary folder, then clean up")
    .helpGroup(HELP_GROUPS.begin)
    .action(() => run(async () => (await import("./commands/demo.ts")).runDemo(context)));
  program
    .command("doctor")
    .description("check whether this machine can run and confine sandboxes, and how to fix what it lacks")
    .helpGroup(HELP_GROUPS.begin)
    .addOption(
      new Option(
        "--config <file>",
        "config file to use when no controller is running (OPENCLAW_CONFIG_PATH; default <state>/openclaw.json)",
      ),
    )
    .addOption(stateDirOption())
    .addOption(jsonOption())
    .action((options) => run(async () => (await import("./commands/doctor.ts")).runDoctorCommand(context, options)));
  const onboard = program
    .command("onboard")
    .description("create a config, or change an existing one; asks at a terminal, takes flags elsewhere")
    .helpGroup(HELP_GROUPS.begin)
    .addOption(configOption())
    .addOption(stateDirOption())
    .addOption(new Option("--non-interactive", "do not ask: use flags, and defaults for a new config"))
    .action((options) => run(async () => (await import("./commands/onboard.ts")).runOnboard(context, toAnswers(options), options)));
  for (const name of QUESTION_NAMES) onboard.addOption(toOption(name));
  for (const option of [...modelOptions(), ...upstreamOptions()]) onboard.addOption(option);
}

/** In upstream's words. */
const modelOptions = (): Option[] => [
  new Option("--auth-choice <choice>", `model provider: ${AUTH_CHOICE_NAMES.join(", ")}; it must answer before anything is saved`),
  new Option("--model <id>", "its model (default: one that is suggested)"),
  new Option("--openai-api-key <->", "an OpenAI API key, on stdin"),
  new Option("--anthropic-api-key <->", "an Anthropic API key, on stdin"),
  new Option("--custom-base-url <url>", "another model server, such as http://127.0.0.1:11434/v1"),
  new Option("--custom-model-id <id>", "its model"),
  new Option("--custom-api-key <->", "its key, on stdin (default: it wants none)"),
  new Option("--custom-provider-id <id>", "its name in the config (default: made from the URL)"),
  new Option("--custom-compatibility <protocol>", `${Object.keys(COMPATIBILITIES).join(", ")} (default: openai)`),
];

/** Steps of upstream's that there are none of here: its scripts run all the same. */
const upstreamOptions = (): Option[] =>
  ["--accept-risk", "--skip-channels", "--skip-health", "--skip-daemon", "--skip-skills"].map((flag) => new Option(flag).hideHelp());

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
  if (!/^\d{1,5}$/.test(text) || port < 1 || port > 65_535) throw new InvalidArgumentError("Expected a port from 1 to 65535.");
  return port;
}
