// Decides whose failure a failed action is. Actions of one part build on each other, so a failure ends the part; the parts do not, so
// what keeps failing in one of them does not hold up the others.
import type { Action, Plan } from "./types.ts";

/** `serving`: keeps the container that serves; `making`: brings the right one on and gives it the name; `leftover`: removes what is too many; `egress`: its relays. */
export type Part = "serving" | "making" | "leftover" | "egress";

export function partOf(action: Action, { serving }: Pick<Plan, "serving">): Part {
  if (action.kind === "attach-relay" || action.kind === "remove-relay") return "egress";
  if (!("handle" in action)) return "making";
  const isServing = action.handle.id === serving?.observation.handle.id;
  if (action.kind !== "retire") return isServing ? "serving" : "making";
  // Whoever serves goes for its successor, or because nobody wants it.
  return isServing && action.evidence.kind === "replaced" ? "making" : "leftover";
}
