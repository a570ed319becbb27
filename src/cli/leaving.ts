// How a person leaves a question at a terminal besides Ctrl-C, which the prompts know themselves: Ctrl-D, or the terminal goes away.
// What is asked, and what happens then, is the callers'.
import type { CliContext } from "./context.ts";

/** @param ask is given a signal that ends its prompts; it resolves as for Ctrl-C then */
export async function whileHere<Result>({ stdin }: CliContext, ask: (left: AbortSignal) => Promise<Result>): Promise<Result> {
  const left = new AbortController();
  const leave = (): void => left.abort();
  const onKey = (_: unknown, { ctrl, name }: { ctrl?: boolean; name?: string }): void => void (ctrl === true && name === "d" && leave());
  if (stdin.readableEnded || stdin.destroyed) leave();
  stdin.on("keypress", onKey).once("end", leave);
  try {
    return await ask(left.signal);
  } finally {
    stdin.off("keypress", onKey).off("end", leave);
  }
}
