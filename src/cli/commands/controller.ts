// `openclaw controller`: hands flags and environment to the loop. Flag, then environment; what the config or a default says is the loop's.
// The loop itself is controller/main.ts.

import { refuseInCommandService } from "../command-service.ts";
import type { CliContext, ExitCode } from "../context.ts";
import { nonEmpty, toConfigPath, toStateDir } from "../paths.ts";

export interface ControllerFlags {
  config?: string;
  stateDir?: string;
  metricsListen?: string;
  instance?: string;
  once?: boolean;
  logLevel?: string;
}

export async function runControllerCommand(context: CliContext, flags: ControllerFlags): Promise<ExitCode> {
  refuseInCommandService(context.env);
  const { runController } = await import("../../controller/main.ts");
  const { env } = context;
  const instance = flags.instance ?? nonEmpty(env.OPENCLAW_INSTANCE);
  return runController({
    stateDir: toStateDir(context, flags),
    configPath: toConfigPath(context, flags),
    home: context.home,
    metricsListen: flags.metricsListen ?? nonEmpty(env.OPENCLAW_METRICS_LISTEN) ?? "127.0.0.1:9464",
    logLevel: flags.logLevel ?? nonEmpty(env.OPENCLAW_LOG_LEVEL) ?? "info",
    once: flags.once === true,
    ...(instance === undefined ? {} : { instance }),
  });
}
