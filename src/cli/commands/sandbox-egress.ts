// `openclaw sandbox egress`: what a sandbox reached and was refused, and what it would be told of one URL. The controller keeps the log; the proxy that
// enforces the list answers the test, so that what is said is what happens.
import { type EgressLine, type EgressTest, renderEgressLine } from "../../api/egress-log.ts";
import { toSafeLine } from "../../api/safe-text.ts";
import { toSandboxPath } from "../../api/view-client.ts";
import { AdminClient } from "../admin-client.ts";
import { type CliContext, EXIT, type ExitCode, print, printData, printJson, printJsonLine, printNote } from "../context.ts";
import { followForever } from "../follow.ts";
import { type StateOptions, toStateDir } from "../paths.ts";
import { findSandboxNamed } from "../sandbox-name.ts";

export interface EgressLogOptions extends StateOptions {
  tail: number;
  refused?: boolean;
  follow?: boolean;
  json?: boolean;
}

export async function showEgressLog(context: CliContext, text: string, options: EgressLogOptions): Promise<ExitCode> {
  const client = new AdminClient(toStateDir(context, options));
  const { name } = (await findSandboxNamed(client, text)).metadata;
  const log = await client.egressLog(name, options.tail);
  const isWanted = (line: EgressLine): boolean => options.refused !== true || line.kind === "lost" || isRefusal(line);
  const items = log.items.filter(isWanted);
  const show = (line: EgressLine): void =>
    options.json === true ? printJsonLine(context, line) : printData(context, `${toSafeLine(renderEgressLine(line))}\n`);
  if (options.json === true && options.follow !== true) printJson(context, { ...log, items });
  else for (const line of items) show(line);
  if (items.length === 0 && options.json !== true)
    printNote(
      context,
      `nothing was ${options.refused === true ? "refused" : "recorded"} for ${name} yet; its list: openclaw sandbox explain ${name}`,
    );
  if (options.follow !== true) return EXIT.ok;
  const lastEventId = log.items.at(-1)?.time ?? 0;
  return await followForever(context, client, { path: `${toSandboxPath(name)}/egress/log`, lastEventId }, (data) => {
    if (isLine(data) && isWanted(data)) show(data);
  });
}

const isRefusal = (line: EgressLine): boolean => line.kind === "decision" && line.verdict === "refused";

const isLine = (value: unknown): value is EgressLine =>
  typeof value === "object" && value !== null && "kind" in value && "time" in value && "seq" in value;

export async function testEgress(
  context: CliContext,
  { name: text, url }: { name: string; url: string },
  options: StateOptions & { json?: boolean },
): Promise<ExitCode> {
  const client = new AdminClient(toStateDir(context, options));
  const { name } = (await findSandboxNamed(client, text)).metadata;
  const result = await client.egressTest(name, toUrl(url));
  if (options.json === true) printJson(context, result);
  else print(context, renderTest(result));
  return result.verdict === "allowed" ? EXIT.ok : EXIT.failed;
}

/** `example.com` is what a browser makes of it. */
const toUrl = (text: string): string => (/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `https://${text}`);

function renderTest({ verdict, reason, message, host, port, addresses, source, at }: EgressTest): string {
  const lines = [
    `${verdict}: ${message}`,
    ...(source === undefined ? [] : [`  rule     ${source}${at === undefined ? "" : ` (${at})`}`]),
    `  target   ${host}:${port}`,
    ...(addresses.length === 0 ? [] : [`  address  ${addresses.join(", ")}`]),
    ...(verdict === "allowed" ? [] : [`  reason   ${reason}`]),
  ];
  return `${lines.map(toSafeLine).join("\n")}\n`;
}
