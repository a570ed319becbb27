// Asks a person at a terminal. What is asked is questions.ts; nothing is written here.
import { cancel, intro, isCancel, log, outro, select } from "@clack/prompts";
import type { CliContext } from "../context.ts";
import { whileHere } from "../leaving.ts";
import { type Answers, QUESTION_NAMES, QUESTIONS } from "./questions.ts";

/** @param known answers to begin with. @returns null: the person left, by Ctrl-C, Ctrl-D or closing the terminal */
export async function askPerson(context: CliContext, { known, file }: { known: Answers; file: string }): Promise<Answers | null> {
  return await whileHere(context, async (signal) => await askEach(context, { known, file, signal }));
}

interface Asking {
  known: Answers;
  file: string;
  signal: AbortSignal;
}

async function askEach(context: CliContext, { known, file, signal }: Asking): Promise<Answers | null> {
  const streams = { input: context.stdin, output: context.stdout, signal };
  intro("OpenClaw: where your agents' tools run", streams);
  log.info(`Your answers go to ${file}, which is written after the last one. Press Ctrl-C to leave everything as it is.`, streams);
  const answers: Answers = { ...known };
  for (const name of QUESTION_NAMES) {
    const { question, choices, initial } = QUESTIONS[name];
    if (choices.length === 0) continue;
    const answer = await select<string>({
      ...streams,
      message: question,
      options: choices.map(({ value, hint }) => ({ value, label: value, hint })),
      initialValue: String(known[name] ?? initial),
    });
    if (isCancel(answer)) {
      cancel("Nothing was changed.", streams);
      return null;
    }
    answers[name] = answer;
  }
  return answers;
}

export const sayThanks = ({ stdout: output }: CliContext): void => outro("Thank you.", { output });
