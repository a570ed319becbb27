// `openclaw dashboard`: a one-time link that pairs the browser which opens it, and where the gateway's token is; opens the link on a desktop. No secret
// that lasts is ever in an address or shown. How a browser is opened is browser.ts's, how a QR code is drawn qr-code.ts's.
import { OperationError } from "../../api/errors.ts";
import { PAIR_FRAGMENT } from "../../api/gateway-protocol/pair.ts";
import { SCOPES } from "../../api/gateway-protocol/scopes.ts";
import { findPlace } from "../../api/place.ts";
import { findGatewayUrl } from "../../api/store/gateway-files.ts";
import { isDesktop, openBrowser, toPagePath } from "../browser.ts";
import { type CliContext, EXIT, type ExitCode, print, printNote } from "../context.ts";
import { findGatewaySecret, noGateway } from "../gateway-health.ts";
import { connectAsOwner } from "../owner-client.ts";
import { type ConfigOptions, nonEmpty, toStateDir } from "../paths.ts";
import { renderQrCode } from "../qr-code.ts";

export interface DashboardOptions extends ConfigOptions {
  /** commander's form of `--no-open`. */
  open: boolean;
  qr?: boolean;
  admin?: boolean;
}

/** The gateway is on this machine, or on the next one. */
const LINK_MS_MAX = 5_000;
const NO_SECRET = "not known here; the gateway generates one when it starts, unless gateway.auth.mode is none";

export async function showDashboard(context: CliContext, options: DashboardOptions): Promise<ExitCode> {
  const stateDir = toStateDir(context, options);
  const written = nonEmpty(context.env.OPENCLAW_DASHBOARD_URL) ?? (await findGatewayUrl(stateDir));
  if (written === null) throw noGateway(stateDir);
  const url = toBrowserUrl(written);
  const link = await makeLink(context, options);
  if (link !== null) url.hash = `${PAIR_FRAGMENT}=${link.code}`;
  const secret = await findGatewaySecret(context, options);
  print(context, `Dashboard:  ${url}`);
  if (link !== null) print(context, `            pairs the browser that opens it first, within a minute, with ${link.scopes.join(", ")}`);
  print(context, `Token:      ${secret?.place ?? NO_SECRET}`);
  if (options.qr === true) showQrCode(context, url);
  if (options.open && isDesktop(context.env)) await openBrowser(context, { url, page: toPagePath(stateDir, "dashboard") });
  return EXIT.ok;
}

interface Link {
  code: string;
  scopes: string[];
}

/** null: the gateway can't be asked, which is told; the address alone is of use too. */
async function makeLink(context: CliContext, options: DashboardOptions): Promise<Link | null> {
  try {
    const client = await connectAsOwner(context, { ...options, timeout: LINK_MS_MAX });
    return await client.ask("createPairingLink", { body: options.admin === true ? { scopes: [...SCOPES] } : {} });
  } catch (error) {
    if (!(error instanceof OperationError)) throw error;
    printNote(context, `openclaw: this address pairs no browser: ${error.message}${error.fix === undefined ? "" : `\n  ${error.fix}`}`);
    return null;
  }
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
