// Asks a person at a terminal yes or no. Whether there is a terminal, and what to do without one, is up to the command.
// Anything but a yes is a no.
import { once } from "node:events";
import { createInterface } from "node:readline/promises";
import type { CliContext } from "./context.ts";

export async function confirm(context: CliContext, question: string): Promise<boolean> {
  const prompt = createInterface({ input: context.stdin, output: context.stderr });
  try {
    // Ctrl-D, or a terminal that goes away, ends the prompt and leaves its question without an answer.
    const left = once(prompt, "close").then(() => "");
    const answer = await Promise.race([prompt.question(`${question} [y/N] `), left]);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    prompt.close();
  }
}
