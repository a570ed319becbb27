// Commands of the reference that this product has no counterpart for yet. They say so, and what works meanwhile; they do nothing.
import { type CliContext, EXIT, type ExitCode, printNote } from "../context.ts";

const MISSING = {
  channels: {
    message: "chat channels are not connected yet: the gateway speaks HTTP and MCP",
    fix: "send to a session with POST /v1/sessions/{key}/messages (docs/gateway.md), or connect an agent (docs/mcp.md)",
  },
} as const;

export function explainMissing(context: CliContext, what: keyof typeof MISSING): ExitCode {
  const { message, fix } = MISSING[what];
  printNote(context, `openclaw: ${message}\n  ${fix}`);
  return EXIT.failed;
}
