// The commands that run on in the foreground: start, controller, gateway, mcp. Options and help only; the code is in commands/.
// What they do is controller/main.ts and gateway/main.ts.
import { type Command, InvalidArgumentError, Option } from "commander";
import type { CliContext } from "./context.ts";
import { configOption, gatewayOptions, HELP_GROUPS, parseMilliseconds, type Run, stateDirOption } from "./options.ts";

const LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"];
const logLevelOption = (): Option =>
  new Option("--log-level <level>", `${LEVELS.join(", ")} (OPENCLAW_LOG_LEVEL; default info)`).argParser(parseLogLevel);

/** In any case, and as other programs call them. @throws InvalidArgumentError */
function parseLogLevel(text: string): string {
  const lower = text.toLowerCase();
  const level = { warning: "warn", off: "silent", none: "silent" }[lower] ?? lower;
  if (LEVELS.includes(level)) return level;
  throw new InvalidArgumentError(`Expected one of ${LEVELS.join(", ")}.`);
}

const metricsListenOption = (): Option =>
  new Option(
    "--metrics-listen <address>",
    "address of the controller's /metrics, /healthz and /readyz (OPENCLAW_METRICS_LISTEN; default 127.0.0.1:9464)",
  );

export function addProcessCommands(program: Command, context: CliContext, run: Run): void {
  program
    .command("controller")
    .description("run the reconcile loop in the foreground")
    .helpGroup(HELP_GROUPS.processes)
    .addOption(configOption())
    .addOption(stateDirOption())
    .addOption(metricsListenOption())
    .addOption(
      new Option(
        "--instance <id>",
        "instance ID that marks this controller's containers (OPENCLAW_INSTANCE; default: derived from the state folder's path)",
      ),
    )
    .addOption(new Option("--once", "converge once, print what was done and exit; exit code 1 if not converged"))
    .addOption(logLevelOption())
    .action((options) => run(async () => (await import("./commands/controller.ts")).runControllerCommand(context, options)));
  const gateway = program
    .command("gateway")
    .description("run the gateway in the foreground: sessions and tools over HTTP")
    .helpGroup(HELP_GROUPS.processes)
    .action((options) => run(async () => (await import("./commands/gateway.ts")).runGatewayCommand(context, options)));
  const start = program
    .command("start")
    .description("run the controller and the gateway, as two processes, in the foreground or with --detach")
    .helpGroup(HELP_GROUPS.begin)
    .action((options) => run(async () => (await import("./commands/start.ts")).startBoth(context, options)));
  for (const command of [gateway, start]) {
    command
      .addOption(configOption())
      .addOption(stateDirOption())
      .addOption(new Option("--port <port>", "TCP port, 0 for any free one (OPENCLAW_GATEWAY_PORT; default gateway.port, 18789)"))
      .addOption(new Option("--bind <address>", "loopback, lan, or an address (OPENCLAW_GATEWAY_BIND; default gateway.bind, loopback)"))
      .addOption(new Option("--allow-unconfigured", "start even if the config does not set gateway.mode to local"))
      .addOption(new Option("--adopt", "take over a state folder that holds another OpenClaw gateway's database; backs it up first"))
      .addOption(logLevelOption());
  }
  start.addOption(metricsListenOption());
  addDetaching(program, start, { context, run });
  gateway.addOption(
    new Option(
      "--config-source <source>",
      "where the config comes from: file, or controller for the gateway's part alone (OPENCLAW_CONFIG_SOURCE; default file)",
    ).choices(["file", "controller"]),
  );
  // Not of start: its process's arguments would be those of the gateway's process too.
  gateway.addOption(
    new Option(
      "--token <token>",
      "the gateway's secret; visible in ps, so prefer OPENCLAW_GATEWAY_TOKEN (default: from the config, else generated)",
    ),
  );
  const mcp = program
    .command("mcp")
    .description("serve the gateway's tools to an agent over stdin and stdout (MCP)")
    .helpGroup(HELP_GROUPS.processes)
    .addOption(new Option("--agent <id>", "agent whose tools and sandbox to use (default: the default agent)"))
    .action((options) => run(async () => (await import("./commands/mcp.ts")).runMcpBridge(context, options)));
  for (const option of gatewayOptions()) mcp.addOption(option);
}

/** In the background, and its end. */
function addDetaching(program: Command, start: Command, { context, run }: { context: CliContext; run: Run }): void {
  start
    .addOption(new Option("-d, --detach", "in the background: answers as soon as both are up; ends with: openclaw stop"))
    .addOption(new Option("--detached").hideHelp());
  program
    .command("stop")
    .description("end what start --detach began; sandboxes stay as they are")
    .helpGroup(HELP_GROUPS.begin)
    .addOption(stateDirOption())
    .addOption(
      new Option("--timeout <duration>", "how long to wait for the end; exit code 4").default(30_000, "30s").argParser(parseMilliseconds),
    )
    .action((options) => run(async () => (await import("./commands/start-detached.ts")).stopBoth(context, options)));
}
