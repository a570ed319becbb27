// `openclaw dashboard`: where the gateway's page is and how to log in; opens it on a desktop. The secret is never in an address, and never shown.
// How a QR code is drawn is qr-code.ts's.
import { spawn } from "node:child_process";
import { OperationError } from "../../api/errors.ts";
import { findGatewayUrl } from "../../api/store/gateway-files.ts";
import { type CliContext, EXIT, type ExitCode, print, printNote } from "../context.ts";
import { findGatewaySecret, noGateway } from "../gateway-health.ts";
import { type ConfigOptions, nonEmpty, toStateDir } from "../paths.ts";
import { findPlace } from "../place.ts";
import { renderQrCode } from "../qr-code.ts";

export interface DashboardOptions extends ConfigOptions {
  /** commander's form of `--no-open`. */
  open: boolean;
  qr?: boolean;
}

const NO_SECRET = "not known here; the gateway generates one when it starts, unless gateway.auth.mode is none";

export async function showDashboard(context: CliContext, options: DashboardOptions): Promise<ExitCode> {
  const stateDir = toStateDir(context, options);
  const written = nonEmpty(context.env.OPENCLAW_DASHBOARD_URL) ?? (await findGatewayUrl(stateDir));
  if (written === null) throw noGateway(stateDir);
  const url = toBrowserUrl(written);
  const secret = await findGatewaySecret(context, options);
  print(context, `Dashboard:  ${url}`);
  print(context, `Token:      ${secret?.place ?? NO_SECRET}`);
  if (options.qr === true) showQrCode(context, url);
  if (options.open && isDesktop(context.env)) await openBrowser(context, url);
  return EXIT.ok;
}

/** Where every address is listened on, this machine's own is one. @throws OperationError `InvalidArgument` */
function toBrowserUrl(written: string): URL {
  const url = URL.parse(written);
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new OperationError("InvalidArgument", `OPENCLAW_DASHBOARD_URL is not an HTTP URL: ${JSON.stringify(written)}`);
  if (url.hostname === "0.0.0.0" || url.hostname === "[::]") url.hostname = "127.0.0.1";
  return url;
}

function showQrCode(context: CliContext, url: URL): void {
  const { stdout, env } = context;
  const colours = stdout.isTTY === true && nonEmpty(env.NO_COLOR) === undefined ? "ansi" : "none";
  const { width, text } = renderQrCode(url.href, colours);
  // Our own, with its colours.
  stdout.write(`${text}\n`);
  const columns = stdout.columns ?? 0;
  if (columns > 0 && columns < width)
    printNote(context, `openclaw: the code is ${width} columns wide, but this terminal only ${columns}: widen it`);
  if (/^(127\.|localhost$|\[::1\]$)/.test(url.hostname)) printNote(context, explainLoopback(env, url));
}

/** How a phone gets to it. */
function explainLoopback(env: CliContext["env"], { hostname, port }: URL): string {
  const way = {
    host: `start it with --bind lan, and set OPENCLAW_DASHBOARD_URL=http://ADDRESS:${port}/ for this command`,
    compose: "OPENCLAW_GATEWAY_PUBLISH=ADDRESS ./docker-setup.sh",
    systemd: `systemctl edit openclaw-gateway (--bind lan), and OPENCLAW_DASHBOARD_URL=http://ADDRESS:${port}/ for this command`,
  }[findPlace(env, "openclaw").kind];
  return `openclaw: ${hostname} is this machine only: a phone can't reach it. With ADDRESS as this machine's address in your network: ${way}`;
}

const isDesktop = (env: CliContext["env"]): boolean =>
  process.platform === "darwin" || nonEmpty(env.DISPLAY) !== undefined || nonEmpty(env.WAYLAND_DISPLAY) !== undefined;

/** Whoever has no browser has the address. */
async function openBrowser(context: CliContext, { href }: URL): Promise<void> {
  const program = process.platform === "darwin" ? "open" : "xdg-open";
  const child = spawn(program, [href], { stdio: "ignore", detached: true });
  const failed = await new Promise<boolean>((resolve) => child.once("spawn", () => resolve(false)).once("error", () => resolve(true)));
  child.unref();
  if (failed) printNote(context, `openclaw: can't open a browser: ${program} was not found`);
}
