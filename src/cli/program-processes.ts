// The commands that run on in the foreground: start, controller, gateway, mcp. Options and help only; the code is in commands/.
// What they do is controller/main.ts and gateway/main.ts.
import { type Command, Option } from "commander";
import type { CliContext } from "./context.ts";
import { configOption, gatewayOptions, HELP_GROUPS, type Run, stateDirOption } from "./options.ts";

const LEVELS = ["trace", "debug", "info", "warn", "error", "fatal"];
const logLevelOption = (): Option => new Option("--log-level <level>", "OPENCLAW_LOG_LEVEL; default info").choices(LEVELS);

export function addProcessCommands(program: Command, context: CliContext, run: Run): void {
  program
    .command("controller")
    .description("run the reconcile loop in the foreground")
    .helpGroup(HELP_GROUPS.processes)
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
    .addOption(logLevelOption())
    .action((options) => run(async () => (await import("./commands/controller.ts")).runControllerCommand(context, options)));
  const gateway = program
    .command("gateway")
    .description("run the gateway in the foreground: sessions and tools over HTTP")
    .helpGroup(HELP_GROUPS.processes)
    .action((options) => run(async () => (await import("./commands/gateway.ts")).runGatewayCommand(context, options)));
  const start = program
    .command("start")
    .description("run the controller and the gateway in the foreground, as two processes")
    .helpGroup(HELP_GROUPS.begin)
    .action((options) => run(async () => (await import("./commands/start.ts")).startBoth(context, options)));
  for (const command of [gateway, start]) {
    command
      .addOption(configOption())
      .addOption(stateDirOption())
      .addOption(new Option("--port <port>", "TCP port, 0 for any free one (OPENCLAW_GATEWAY_PORT; default gateway.port, 18789)"))
      .addOption(new Option("--bind <address>", "loopback, lan, or an address (OPENCLAW_GATEWAY_BIND; default gateway.bind, loopback)"))
      .addOption(new Option("--allow-unconfigured", "start although the config does not say gateway.mode local"))
      .addOption(new Option("--adopt", "use a state folder in which another OpenClaw gateway keeps its database; makes a copy first"))
      .addOption(logLevelOption());
  }
  gateway.addOption(
    new Option(
      "--config-source <source>",
      "file, or controller: the gateway's part alone, from the controller (OPENCLAW_CONFIG_SOURCE; default file)",
    ).choices(["file", "controller"]),
  );
  // Not of start: its process's arguments would be those of the gateway's process too.
  gateway.addOption(
    new Option("--token <token>", "the secret; shown by ps, so rather OPENCLAW_GATEWAY_TOKEN (default: the config's, else one of its own)"),
  );
  const mcp = program
    .command("mcp")
    .description("serve the gateway's tools to an agent over stdin and stdout (MCP)")
    .helpGroup(HELP_GROUPS.processes)
    .addOption(new Option("--agent <id>", "whose tools and sandbox; default: the default agent's"))
    .action((options) => run(async () => (await import("./commands/mcp.ts")).runMcpBridge(context, options)));
  for (const option of gatewayOptions()) mcp.addOption(option);
}
