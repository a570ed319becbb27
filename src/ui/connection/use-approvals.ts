// Whether this browser's signature counts for what only a person may ask: it has the right to ask, and the controller knows its key. Which keys the
// controller knows is decided on the command line; until then the pages show the commands.
import { useGateway, useLinkState } from "./context.tsx";
import type { AnswerOf } from "./methods.ts";

const POLL_MS = 15_000;

interface Approvals {
  maySign: boolean;
  /** Removals that wait for a person. */
  held: AnswerOf<"approvals.get">["held"];
}

export function useApprovals(): Approvals {
  const state = useLinkState();
  const { data } = useGateway("approvals.get", {}, { everyMs: POLL_MS });
  const mayAsk = state.kind === "open" && state.hello.auth.scopes.includes("operator.approvals");
  return { maySign: mayAsk && data !== undefined && data.key !== null, held: data?.held ?? [] };
}
