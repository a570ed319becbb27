// `openclaw gateway`: hands flags and environment to the gateway. Flag, then environment; what the config or a default says is the gateway's.
// The gateway itself is gateway/main.ts.
import { OperationError } from "../../api/errors.ts";
import { refuseInCommandService } from "../command-service.ts";
import type { CliContext, ExitCode } from "../context.ts";
import { nonEmpty, toConfigPath, toStateDir } from "../paths.ts";

export interface GatewayFlags {
  config?: string;
  configSource?: string;
  stateDir?: string;
  port?: string;
  bind?: string;
  token?: string;
  allowUnconfigured?: boolean;
  adopt?: boolean;
  logLevel?: string;
}

export async function runGatewayCommand(context: CliContext, flags: GatewayFlags): Promise<ExitCode> {
  refuseInCommandService(context.env);
  const { runGateway } = await import("../../gateway/main.ts");
  const { env } = context;
  return await runGateway({
    stateDir: toStateDir(context, flags),
    configPath: toConfigPath(context, flags),
    configSource: toConfigSource(flags.configSource ?? nonEmpty(env.OPENCLAW_CONFIG_SOURCE) ?? "file"),
    home: context.home,
    port: flags.port ?? nonEmpty(env.OPENCLAW_GATEWAY_PORT) ?? null,
    bind: flags.bind ?? nonEmpty(env.OPENCLAW_GATEWAY_BIND) ?? null,
    token: flags.token ?? nonEmpty(env.OPENCLAW_GATEWAY_TOKEN) ?? null,
    password: nonEmpty(env.OPENCLAW_GATEWAY_PASSWORD) ?? null,
    allowUnconfigured: flags.allowUnconfigured === true,
    adopt: flags.adopt === true,
    logLevel: flags.logLevel ?? nonEmpty(env.OPENCLAW_LOG_LEVEL) ?? "info",
  });
}

/** @throws OperationError `InvalidArgument` */
function toConfigSource(text: string): "file" | "controller" {
  if (text === "file" || text === "controller") return text;
  throw new OperationError("InvalidArgument", `unknown config source ${JSON.stringify(text)}`, {
    fix: "expected file or controller",
  });
}
