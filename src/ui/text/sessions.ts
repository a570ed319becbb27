// Which session's tools run in which sandbox. Pure.
import type { Sandbox } from "../../api/sandbox.ts";

interface SessionFacts {
  key: string;
  agentId: string;
  sandboxed: boolean;
  /** null: it goes on. */
  endedAt: number | null;
}

export function isSessionIn({ key, agentId, sandboxed, endedAt }: SessionFacts, spec: Sandbox["spec"]): boolean {
  if (!sandboxed || endedAt !== null || spec.kind !== "tools") return false;
  if (spec.scope === "session") return key === spec.scopeKey;
  return spec.scope === "shared" || agentId === spec.agentId;
}
