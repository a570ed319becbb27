// `openclaw dashboard`: where the gateway's page is and how to log in; opens it on a desktop. The secret is never in an address, and never shown.
import { spawn } from "node:child_process";
import { renderUnicodeCompact } from "uqr";
import { findGatewayToken, findGatewayUrl, toGatewayTokenPath } from "../../api/store/gateway-files.ts";
import { type CliContext, EXIT, type ExitCode, print, printNote } from "../context.ts";
import { noGateway } from "../gateway-health.ts";
import { nonEmpty, type StateOptions, toStateDir } from "../paths.ts";

export interface DashboardOptions extends StateOptions {
  /** commander's form of `--no-open`. */
  open: boolean;
  qr?: boolean;
}

export async function showDashboard(context: CliContext, options: DashboardOptions): Promise<ExitCode> {
  const stateDir = toStateDir(context, options);
  const url = nonEmpty(context.env.OPENCLAW_DASHBOARD_URL) ?? (await findGatewayUrl(stateDir));
  if (url === null) throw noGateway(stateDir);
  print(context, `Dashboard:  ${url}`);
  print(context, `Token:      ${await describeToken(context, stateDir)}`);
  if (options.qr === true) print(context, renderUnicodeCompact(url));
  if (options.open && isDesktop(context.env)) await openBrowser(context, url);
  return EXIT.ok;
}

async function describeToken(context: CliContext, stateDir: string): Promise<string> {
  if (nonEmpty(context.env.OPENCLAW_GATEWAY_TOKEN) !== undefined) return "OPENCLAW_GATEWAY_TOKEN (in Compose: in the file .env)";
  if ((await findGatewayToken(stateDir)) !== null) return `in ${toGatewayTokenPath(stateDir)}`;
  return "gateway.auth.token of the config (openclaw config get gateway.auth.token)";
}

const isDesktop = (env: CliContext["env"]): boolean =>
  process.platform === "darwin" || nonEmpty(env.DISPLAY) !== undefined || nonEmpty(env.WAYLAND_DISPLAY) !== undefined;

/** Whoever has no browser has the address. */
async function openBrowser(context: CliContext, url: string): Promise<void> {
  const program = process.platform === "darwin" ? "open" : "xdg-open";
  const child = spawn(program, [url], { stdio: "ignore", detached: true });
  const failed = await new Promise<boolean>((resolve) => child.once("spawn", () => resolve(false)).once("error", () => resolve(true)));
  child.unref();
  if (failed) printNote(context, `openclaw: there is no ${program} to open it with`);
}
