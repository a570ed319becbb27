// `openclaw health`: the gateway as it sees itself. Exit code 1 when it does not answer or is not ready.
// Both processes together are `status`.

import { toSafeLine } from "../../api/safe-text.ts";
import { type CliContext, EXIT, type ExitCode, print, printJson } from "../context.ts";
import { askGateway, type GatewayHealth, type GatewayTarget, noGateway } from "../gateway-health.ts";
import { toStateDir } from "../paths.ts";
import { indent } from "../text.ts";

export async function showHealth(context: CliContext, options: GatewayTarget & { json?: boolean }): Promise<ExitCode> {
  const health = await askGateway(context, options);
  if (health === null) throw noGateway(toStateDir(context, options));
  if (options.json === true) printJson(context, health);
  else print(context, renderHealth(health));
  return health.ready ? EXIT.ok : EXIT.failed;
}

export function renderHealth({ url, ready, checks }: GatewayHealth): string {
  const lines = (checks ?? []).map(
    ({ name, ok, message, isAdvice }) => `${ok ? "ok  " : isAdvice === true ? "WARN" : "FAIL"} ${name}: ${toSafeLine(message)}\n`,
  );
  const unknown = checks === undefined ? " (details require its token)" : "";
  return `Gateway at ${url}: ${ready ? "ready" : "not ready"}${unknown}\n${indent(lines.join(""))}`;
}
