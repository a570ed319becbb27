// Asks a person at a terminal yes or no. Whether there is a terminal, and what no terminal means, is the command's to say.
// Anything but a yes is a no.
import { createInterface } from "node:readline/promises";
import type { CliContext } from "./context.ts";

export async function confirm(context: CliContext, question: string): Promise<boolean> {
  const prompt = createInterface({ input: context.stdin, output: context.stderr });
  try {
    const answer = await prompt.question(`${question} [y/N] `);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    prompt.close();
  }
}
