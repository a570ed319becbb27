// Which session's tools run in which sandbox, and which browser is whose. Pure.
import type { Sandbox } from "../../api/sandbox.ts";

interface SessionFacts {
  key: string;
  agentId: string;
  sandboxed: boolean;
  /** null: it goes on. */
  endedAt: number | null;
}

/** Whether its tools run in it. */
export const isSessionIn = (session: SessionFacts, spec: Sandbox["spec"]): boolean => spec.kind === "tools" && isOfScope(session, spec);

/** Whether it is one of those that have this browser. */
export const hasBrowser = (session: SessionFacts & { browserUsedAt: number | null }, spec: Sandbox["spec"]): boolean =>
  spec.kind === "browser" && session.browserUsedAt !== null && isOfScope(session, spec);

function isOfScope({ key, agentId, sandboxed, endedAt }: SessionFacts, spec: Sandbox["spec"]): boolean {
  if (!sandboxed || endedAt !== null) return false;
  if (spec.scope === "session") return key === spec.scopeKey;
  return spec.scope === "shared" || agentId === spec.agentId;
}
