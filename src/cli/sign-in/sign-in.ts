// Signs a person in to a model provider at a terminal: shows where to go, and takes the answer from the browser or from what the person pastes, whichever comes
// first. In a container and over SSH the browser can't reach this program, so that pasting is offered at once. Keeping the result is the caller's.
import { createInterface } from "node:readline";
import { isCancel, password } from "@clack/prompts";
import { OperationError } from "../../api/errors.ts";
import type { SignInServer } from "../../api/models/providers.ts";
import type { StoredSecret } from "../../api/models/stored-secret.ts";
import { isDesktop, openBrowser, toPagePath } from "../browser.ts";
import { type CliContext, printNote } from "../context.ts";
import { whileHere } from "../leaving.ts";
import { type CallbackServer, listenForAnswer } from "./callback-server.ts";
import { readPastedAnswer } from "./pasted-answer.ts";

export interface SignInOptions {
  server: SignInServer;
  /** Absolute. */
  stateDir: string;
  /** Open a browser on a desktop. */
  open: boolean;
}

/** A person may have to find a second factor. */
const ANSWER_MS_MAX = 900_000;

type OAuthSecret = Extract<StoredSecret, { kind: "oauth" }>;

/** @returns null: the person left. @throws OperationError `Unauthenticated`, `NotReady`, `TimedOut` */
export async function signIn(context: CliContext, { server, stateDir, open }: SignInOptions): Promise<OAuthSecret | null> {
  const { startSignIn, endSignIn } = await import("../../gateway/credentials/main.ts");
  const begun = await startSignIn(server);
  const callback = await listenForAnswer(begun.state, server.redirectUrl);
  try {
    printNote(context, renderInvitation(begun.url, server.redirectUrl, callback));
    if (open && isDesktop(context.env)) await openBrowser(context, { url: new URL(begun.url), page: toPagePath(stateDir, "sign-in") });
    const answer = await firstAnswer(context, callback, begun.state);
    return answer === null ? null : await endSignIn(server, { answer, begun, now: context.now });
  } finally {
    await callback.stop();
  }
}

function renderInvitation(url: string, redirectUrl: string, { addresses, taken }: CallbackServer): string {
  const port =
    taken.length > 0
      ? `\nPort ${new URL(redirectUrl).port} of this machine is taken by another program, so the browser's answer may not arrive here: paste it.\n`
      : "";
  const waits = addresses.length > 0 ? "If the browser then shows an error (in a container, over SSH), copy" : "Then copy";
  return `Open this address in a browser and sign in:

${url}
${port}
${waits} the whole address that it ended at, ${redirectUrl}?..., and paste it here.
`;
}

async function firstAnswer(context: CliContext, callback: CallbackServer, state: string): Promise<URLSearchParams | null> {
  const over = new AbortController();
  const late = AbortSignal.timeout(ANSWER_MS_MAX);
  const timedOut = new Promise<never>((_, reject) =>
    late.addEventListener("abort", () => reject(new OperationError("TimedOut", "nobody signed in for 15 minutes")), { once: true }),
  );
  const pasted =
    context.stdin.isTTY === true ? askForPaste(context, state, over.signal) : readPastes(context, { state, callback, signal: over.signal });
  try {
    return await Promise.race([callback.answer, pasted, timedOut]);
  } finally {
    over.abort();
    await pasted.catch(() => undefined);
  }
}

/** What is pasted is not shown: it is in the scrollback of many terminals for ever. */
async function askForPaste(context: CliContext, state: string, over: AbortSignal): Promise<URLSearchParams | null> {
  const { stdin, stderr } = context;
  let found: URLSearchParams | null = null;
  const validate = (text: string | undefined): string | undefined => {
    const read = readPastedAnswer(text ?? "", state);
    if (read.kind === "refused") return read.message;
    found = read.answer;
    return undefined;
  };
  const typed = await whileHere(context, async (left) => {
    const signal = AbortSignal.any([left, over]);
    return await password({
      message: "Waiting for the browser, or paste the address here",
      input: stdin,
      output: stderr,
      signal,
      validate,
    });
  });
  return isCancel(typed) ? null : found;
}

/** A line each, until one is an answer. Where nothing more comes, the browser still may. */
async function readPastes(
  context: CliContext,
  { state, callback, signal }: { state: string; callback: CallbackServer; signal: AbortSignal },
): Promise<URLSearchParams> {
  const lines = createInterface({ input: context.stdin, signal });
  for await (const line of lines) {
    const read = readPastedAnswer(line, state);
    if (read.kind === "answer") return read.answer;
    printNote(context, `openclaw: ${read.message}`);
  }
  if (callback.addresses.length > 0) return await untilAborted(signal);
  throw new OperationError(
    "InvalidArgument",
    "there is no way for the answer to get here: the port of the callback is taken, and nothing more comes on stdin",
    {
      fix: "run it at a terminal, or end the program that listens there",
    },
  );
}

const untilAborted = async (signal: AbortSignal): Promise<never> =>
  await new Promise<never>((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
