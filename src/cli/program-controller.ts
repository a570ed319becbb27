// The commands about the controller as a whole: controller, doctor, status, demo. Options and help only; the code is in commands/.
// Sandboxes are program-sandbox.ts.
import { type Command, Option } from "commander";
import type { CliContext } from "./context.ts";
import { configOption, jsonOption, type Run, stateDirOption } from "./options.ts";

export function addControllerCommands(program: Command, context: CliContext, run: Run): void {
  program
    .command("controller")
    .description("run the reconcile loop in the foreground")
    .addOption(configOption())
    .addOption(stateDirOption())
    .addOption(
      new Option(
        "--metrics-listen <address>",
        "address of /metrics, /healthz and /readyz (OPENCLAW_METRICS_LISTEN; default 127.0.0.1:9464)",
      ),
    )
    .addOption(new Option("--instance <id>", "whose containers are ours (OPENCLAW_INSTANCE; default: made from the state folder's path)"))
    .addOption(new Option("--once", "converge, print what was done, and end; exit code 1 when not converged"))
    .addOption(
      new Option("--log-level <level>", "OPENCLAW_LOG_LEVEL; default info").choices(["trace", "debug", "info", "warn", "error", "fatal"]),
    )
    .action((options) => run(async () => (await import("./commands/controller.ts")).runControllerCommand(context, options)));
  program
    .command("demo")
    .description("the five-minute tour by itself, in a temporary state folder; cleans up")
    .action(() => run(async () => (await import("./commands/demo.ts")).runDemo(context)));
  program
    .command("doctor")
    .description("whether this machine can run sandboxes and confines them; each trouble with its fix")
    .addOption(new Option("--config <file>", "config file, when no controller runs (OPENCLAW_CONFIG_PATH; default <state>/openclaw.json)"))
    .addOption(stateDirOption())
    .addOption(jsonOption())
    .action((options) => run(async () => (await import("./commands/doctor.ts")).runDoctorCommand(context, options)));
  program
    .command("status")
    .description("whether the controller runs, its engine, its config, and how many sandboxes it keeps")
    .addOption(stateDirOption())
    .addOption(jsonOption())
    .action((options) => run(async () => (await import("./commands/status.ts")).showStatus(context, options)));
}
