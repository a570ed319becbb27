// The commands that show how things are: status, health, logs, dashboard. Options and help only; the code is in commands/.
// Sandboxes are program-sandbox.ts.
import { type Command, Option } from "commander";
import type { CliContext } from "./context.ts";
import { configOption, followOption, gatewayOptions, HELP_GROUPS, jsonOption, type Run, stateDirOption } from "./options.ts";

export function addLookingCommands(program: Command, context: CliContext, run: Run): void {
  program
    .command("status")
    .description("show the controller, its engine, its config, and the gateway")
    .helpGroup(HELP_GROUPS.look)
    .addOption(stateDirOption())
    .addOption(jsonOption())
    .action((options) => run(async () => (await import("./commands/status.ts")).showStatus(context, options)));
  const health = program
    .command("health")
    .description("show whether the gateway is up and ready")
    .helpGroup(HELP_GROUPS.look)
    .action((options) => run(async () => (await import("./commands/health.ts")).showHealth(context, options)));
  for (const option of gatewayOptions()) health.addOption(option);
  health.addOption(jsonOption());
  program
    .command("dashboard")
    .description("make a one-time link that pairs a browser; on a desktop, open it")
    .helpGroup(HELP_GROUPS.look)
    .addOption(configOption())
    .addOption(stateDirOption())
    .addOption(new Option("--no-open", "print the link only"))
    .addOption(new Option("--qr", "also print a QR code, for a phone"))
    .addOption(new Option("--admin", "pair it with every scope; otherwise operator.write at most"))
    .action((options) => run(async () => (await import("./commands/dashboard.ts")).showDashboard(context, options)));
  program
    .command("logs")
    .description("show what the controller did and why, for all sandboxes")
    .helpGroup(HELP_GROUPS.look)
    .addOption(followOption("keep running and show new entries"))
    .addOption(stateDirOption())
    .addOption(jsonOption())
    .action((options) => run(async () => (await import("./commands/logs.ts")).showLogs(context, options)));
}
