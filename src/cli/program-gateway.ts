// The commands about the gateway, and about both processes together: gateway, start, health, mcp. Options and help only; the code is in commands/.
// The controller by itself is program-controller.ts.
import { type Command, Option } from "commander";
import type { CliContext } from "./context.ts";
import { configOption, jsonOption, type Run, stateDirOption } from "./options.ts";

const LEVELS = ["trace", "debug", "info", "warn", "error", "fatal"];
const logLevelOption = (): Option => new Option("--log-level <level>", "OPENCLAW_LOG_LEVEL; default info").choices(LEVELS);

export function addGatewayCommands(program: Command, context: CliContext, run: Run): void {
  const gateway = program
    .command("gateway")
    .description("run the gateway in the foreground: sessions and tools over HTTP")
    .action((options) => run(async () => (await import("./commands/gateway.ts")).runGatewayCommand(context, options)));
  const start = program
    .command("start")
    .description("run the controller and the gateway together in the foreground, as two processes")
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
  // Not of start: its process's arguments would be those of the gateway's process too.
  gateway.addOption(
    new Option("--token <token>", "the secret; shown by ps, so rather OPENCLAW_GATEWAY_TOKEN (default: the config's, else one of its own)"),
  );
  const health = program
    .command("health")
    .description("whether the gateway answers and can do its job")
    .action((options) => run(async () => (await import("./commands/health.ts")).showHealth(context, options)));
  const mcp = program
    .command("mcp")
    .description("the gateway's tools as an MCP server over stdin and stdout, for agents that start their servers themselves")
    .addOption(new Option("--agent <id>", "whose tools and sandbox; default: the default agent's"))
    .action((options) => run(async () => (await import("./commands/mcp.ts")).runMcpBridge(context, options)));
  for (const command of [health, mcp]) {
    command
      .addOption(
        new Option("--token <token>", "the gateway's secret (OPENCLAW_GATEWAY_TOKEN; default: the config's, else the state folder's)"),
      )
      .addOption(new Option("--url <url>", "where it listens (OPENCLAW_GATEWAY_URL; default: as the state folder says)"))
      .addOption(configOption())
      .addOption(stateDirOption());
  }
  health.addOption(jsonOption());
}
