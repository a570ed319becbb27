// `openclaw mcp`: an MCP server on stdin and stdout for agents that start their servers themselves; it passes everything on to the gateway.
// What the tools are, and where they run, is the gateway's. Nothing but the protocol may be printed.
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { type CliContext, EXIT, type ExitCode, printNote } from "../context.ts";
import { findGateway, type GatewayTarget, noGateway } from "../gateway-health.ts";
import { McpBridge } from "../mcp-bridge.ts";
import { toStateDir } from "../paths.ts";

/** What was asked before stdin ended is answered, unless it takes longer: nobody may be there any more to read it. */
const LAST_ANSWERS_MS_MAX = 10_000;

/** Runs until its agent closes stdin or asks it to end; the gateway then ends the session and its sandbox. */
export async function runMcpBridge(context: CliContext, options: GatewayTarget & { agent?: string }): Promise<ExitCode> {
  const gateway = await findGateway(context, options);
  if (gateway === null) throw noGateway(toStateDir(context, options));
  const url = new URL("/mcp", gateway.url);
  if (options.agent !== undefined) url.searchParams.set("agent", options.agent);
  const bridge = new McpBridge({
    agent: new StdioServerTransport(context.stdin, context.stdout),
    ...{ url, headers: gateway.headers },
    note: (text) => printNote(context, `openclaw mcp: ${text}`),
  });
  const [silent, told] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const stops = (["SIGINT", "SIGTERM"] as const).map((name) => context.onSignal(name, told.resolve));
  context.stdin.once("end", silent.resolve).once("close", silent.resolve);
  try {
    await bridge.start();
    await Promise.race([told.promise, silent.promise.then(() => bridge.drain(LAST_ANSWERS_MS_MAX))]);
  } finally {
    for (const stop of stops) stop();
    await bridge.stop();
  }
  return EXIT.ok;
}
