// A session's files and what of them this browser may do, as hooks: the policy of the session's tools and the browser's own rights.
import { useMemo } from "react";
import { useGateway } from "../../connection/context.tsx";
import { SessionFiles } from "../../connection/files.ts";
import type { AnswerOf } from "../../connection/methods.ts";
import { useHttpToken } from "../../shell/use-http-token.ts";

export type Decision = Pick<AnswerOf<"tools.list">["items"][number], "allowed" | "rule" | "source" | "fix">;

export interface FileViewProps {
  sessionKey: string;
  /** Relative to the workspace. */
  path: string;
  /** Opens another one, or none. */
  open(path: string | undefined): void;
}

export function useSessionFiles(sessionKey: string): SessionFiles {
  const token = useHttpToken();
  return useMemo(() => new SessionFiles(sessionKey, token), [sessionKey, token]);
}

/** What the session's policy says of a tool. undefined: it is not known yet; `error`: nor will it be */
export function usePolicy(sessionKey: string, tool: string): { decision: Decision | undefined; error: Error | null } {
  const { data, error } = useGateway("tools.list", { key: sessionKey });
  return { decision: data?.items.find(({ name }) => name === tool), error };
}

/** The same where it matters only once it is known. */
export const useDecision = (sessionKey: string, tool: string): Decision | undefined => usePolicy(sessionKey, tool).decision;
