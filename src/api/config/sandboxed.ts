// Whether a session's tools run in a sandbox, and what that sandbox is shared by. Pure.
// What the sandbox looks like is effective.ts; which container it is, the controller's decision.
import { unreachable } from "../brands.ts";
import type { SessionKind } from "../session.ts";
import type { EffectiveSandbox } from "./effective.ts";

/** What of a session decides; a Session's `spec` has it. */
export interface SessionFacts {
  readonly key: string;
  readonly agentId: string;
  readonly kind: SessionKind;
}

/**
 * `off` none; `all` every session; `non-main` all but `agent:<id>:main`, whatever kind that session says it is.
 * MCP sessions always: their caller is a program that nobody watches.
 */
export function isSandboxed(mode: EffectiveSandbox["mode"], session: SessionFacts): boolean {
  if (session.kind === "mcp") return true;
  switch (mode) {
    case "off":
      return false;
    case "all":
      return true;
    case "non-main":
      return session.key !== `agent:${session.agentId}:main`;
    default:
      return unreachable(mode);
  }
}

/** The agent's scope; an MCP session always has a sandbox of its own. */
export function toSessionScope(scope: EffectiveSandbox["scope"], session: Pick<SessionFacts, "kind">): EffectiveSandbox["scope"] {
  return session.kind === "mcp" ? "session" : scope;
}
