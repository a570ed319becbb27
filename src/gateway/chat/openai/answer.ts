// A run as an answer in OpenAI's form: whole when it has ended, or in pieces while it goes. A client that leaves stops its run.
// How pieces look is forms.ts's; who may ask, and in which session, the server's.
import { type ErrorCode, OperationError } from "../../../api/errors.ts";
import { PacedBody } from "../../../api/paced-body.ts";
import type { AgentPort, ChatAccepted } from "../../agent/agent-port.ts";
import { type FollowedRun, type RunEventsParts, startRun } from "../run-events.ts";
import type { AnswerFacts, AnswerForm, Piece, WholeAnswer } from "./forms.ts";

export interface AnswerParts extends RunEventsParts {
  agent: Pick<AgentPort, "abort">;
  form: AnswerForm;
  facts: AnswerFacts;
  /** Says it to the agent. */
  send(): Promise<ChatAccepted>;
  /** In OpenAI's form. */
  toError(error: unknown): object;
  /** Once, when the run has ended or its client has gone. Never throws. */
  over(): Promise<void>;
}

/** Between what an agent says before a tool call and after it. */
const PARAGRAPH = "\n\n";

/** @throws OperationError what kept the run from an answer */
export async function answerWhole(parts: AnswerParts): Promise<Response> {
  try {
    const run = await begin(parts);
    return Response.json(parts.form.whole(parts.facts, await read(run, async () => undefined)));
  } finally {
    await parts.over();
  }
}

/** @throws OperationError what kept it from starting; what comes later is a piece */
export async function answerInPieces(parts: AnswerParts): Promise<Response> {
  const { form, facts, toError, over } = parts;
  const gone = new AbortController();
  const run = await begin({ ...parts, signal: AbortSignal.any([parts.signal, gone.signal]) }).catch(async (error: unknown) => {
    await over();
    throw error;
  });
  const body = new PacedBody("text/event-stream", Buffer.from(": still here\n\n"));
  body.gone.addEventListener("abort", () => gone.abort(), { once: true });
  const write = makeWriter(body);
  const work = async (): Promise<void> => {
    try {
      await write(form.begin(facts));
      await write(form.end(facts, await read(run, (text) => write(form.delta(facts, text)))));
    } catch (error) {
      await write(form.failed(facts, toError(error)));
    } finally {
      await body.close();
      await over();
    }
  };
  void work();
  return body.response;
}

async function begin({ agent, session, signal, feed, send }: AnswerParts): Promise<FollowedRun> {
  const run = await startRun({ feed, session, signal }, send);
  const leave = (): void => void agent.abort(session, run.accepted.runId).catch(() => undefined);
  if (signal.aborted) leave();
  else signal.addEventListener("abort", leave, { once: true });
  return run;
}

/** @param said takes text as it comes @throws OperationError when the run failed, or was stopped */
async function read({ accepted, events }: FollowedRun, said: (text: string) => Promise<void>): Promise<WholeAnswer> {
  let streamed = "";
  let isBroken = false;
  const say = async (text: string): Promise<void> => {
    const added = isBroken ? `${PARAGRAPH}${text}` : text;
    isBroken = false;
    streamed += added;
    await said(added);
  };
  if (accepted.reply !== null) {
    await say(accepted.reply);
    return { text: accepted.reply, streamed, usage: null };
  }
  for await (const event of events) {
    if (event.event === "agent") {
      isBroken ||= event.payload.stream === "tool" && streamed !== "";
      continue;
    }
    const { state, deltaText = "", replace = false, message, usage = null, errorMessage, errorKind, fix } = event.payload;
    // What a client was sent can't be taken back.
    isBroken ||= replace && streamed !== "";
    if (state === "delta" && deltaText !== "") await say(deltaText);
    if (state === "aborted") throw new OperationError("Aborted", "the run was stopped");
    if (state === "error") throw toRunError(errorKind, errorMessage, fix);
    if (state !== "final") continue;
    const text = message?.content.map((part) => part.text).join("") ?? streamed;
    // What was not said in pieces: a provider may answer at once.
    if (streamed === "" && text !== "") await say(text);
    return { text, streamed, usage };
  }
  throw new OperationError("Aborted", "the run had ended before it was followed");
}

const CODES: Readonly<Record<string, ErrorCode>> = { limit: "LimitExceeded", overflow: "PayloadTooLarge", model: "NotReady" };

function toRunError(kind = "", message = "the run failed", fix: string | undefined = undefined): OperationError {
  return new OperationError(CODES[kind] ?? "HostRejected", message, fix === undefined ? {} : { fix });
}

/** Numbers events where the form has names, as OpenAI's clients expect. */
function makeWriter(body: PacedBody): (pieces: readonly Piece[]) => Promise<void> {
  let number = 0;
  return async (pieces) => {
    const text = pieces.map(([event, data]) => {
      const json = typeof data === "string" ? data : JSON.stringify(event === null ? data : { ...data, sequence_number: number++ });
      return `${event === null ? "" : `event: ${event}\n`}data: ${json}\n\n`;
    });
    await body.write(Buffer.from(text.join("")));
  };
}
