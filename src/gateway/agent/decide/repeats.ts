// Notices a model that goes in circles: the same call with the same result, again and again. A call whose result changes makes progress. Pure.
// What follows is run.ts's.
import { createHash } from "node:crypto";
import type { RunError } from "../agent-port.ts";

export type Repeat =
  | { kind: "fine" }
  /** What the model is told besides the result. */
  | { kind: "warn"; remark: string }
  | { kind: "stop"; error: RunError };

export class Repeats {
  readonly #max: number;
  readonly #seen = new Map<string, number>();

  /** @param max at least 2 */
  constructor(max: number) {
    this.#max = max;
  }

  /** What a person said meanwhile makes another conversation of it. */
  forget(): void {
    this.#seen.clear();
  }

  note({ tool, input, result }: { tool: string; input: unknown; result: string }): Repeat {
    const key = createHash("sha256")
      .update(`${tool}\0${toCanonical(input)}\0${result}`)
      .digest("base64");
    const count = (this.#seen.get(key) ?? 0) + 1;
    this.#seen.set(key, count);
    if (count >= this.#max)
      return {
        kind: "stop",
        error: {
          kind: "limit",
          message: `the model made the same call of ${JSON.stringify(tool)} ${count} times with the same result`,
          fix: "say what to do instead, or raise agents.defaults.run.repeatedCalls",
        },
      };
    if (count * 2 <= this.#max) return { kind: "fine" };
    return { kind: "warn", remark: `(the same call gave the same result ${count} times now; at ${this.#max} the run is ended)` };
  }
}

/** Keys in order: `{a, b}` and `{b, a}` are one call. */
export function toCanonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([one], [other]) => (one < other ? -1 : 1)))
      : inner,
  );
}
