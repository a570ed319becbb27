// `openclaw mcp`: an MCP server on stdin and stdout for agents that start their servers themselves; it passes everything on to the gateway.
// What the tools are, and where they run, is the gateway's. Nothing but the protocol may be printed.
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { type CliContext, EXIT, type ExitCode, printNote } from "../context.ts";
import { findGateway, type GatewayTarget, noGateway } from "../gateway-health.ts";
import { McpBridge } from "../mcp-bridge.ts";
import { toStateDir } from "../paths.ts";

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
  const over = Promise.withResolvers<void>();
  const stops = (["SIGINT", "SIGTERM"] as const).map((name) => context.onSignal(name, over.resolve));
  context.stdin.once("end", over.resolve).once("close", over.resolve);
  try {
    await bridge.start();
    await over.promise;
  } finally {
    for (const stop of stops) stop();
    await bridge.stop();
  }
  return EXIT.ok;
}
