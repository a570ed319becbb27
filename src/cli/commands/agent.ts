// `openclaw agent`: says one thing to an agent and prints its answer as it comes; what it does besides goes to stderr. Ctrl-C stops the run.
// A conversation is chat.ts's; what the events say is run-text.ts's.
import { randomUUID } from "node:crypto";
import { text as readText } from "node:stream/consumers";
import { toDurationMs } from "../../api/brands.ts";
import { OperationError } from "../../api/errors.ts";
import { ChatSendAnswer } from "../../api/gateway-protocol/chat.ts";
import type { VerboseLevel } from "../../api/thinking.ts";
import { fromProblem, Problem } from "../../api/wire.ts";
import { connectForChat, toChatKey } from "../chat/connect-chat.ts";
import { type RunEnd, type RunSaying, toSaying, toShown } from "../chat/run-text.ts";
import { type CliContext, EXIT, type ExitCode, printData, printError, printJson, printNote, printPart } from "../context.ts";
import type { GatewayClient } from "../gateway-client.ts";
import type { GatewayTarget } from "../gateway-health.ts";

export interface AgentOptions extends GatewayTarget {
  message?: string;
  session?: string;
  agent?: string;
  /** Milliseconds of the whole run. */
  timeout?: number;
  json?: boolean;
}

const FAILURES: Readonly<Record<RunEnd["outcome"], ExitCode>> = { final: EXIT.ok, aborted: EXIT.failed, error: EXIT.failed };

export async function runAgent(context: CliContext, options: AgentOptions): Promise<ExitCode> {
  const message = await readMessage(context, options.message);
  const sessionKey = toChatKey(options);
  const client = await connectForChat(context, options);
  const turn = new Turn(context, options.json === true);
  const interrupted = stopOnSignal(context, client, { sessionKey, runId: () => turn.accepted?.runId });
  try {
    const timeoutMs = options.timeout === undefined ? {} : { timeoutMs: toDurationMs(options.timeout) };
    const body = { message, idempotencyKey: randomUUID(), ...timeoutMs };
    for await (const event of client.follow("chatSend", { params: { sessionKey }, body })) turn.take(event);
  } finally {
    interrupted.release();
  }
  return turn.finish(sessionKey);
}

/** @throws OperationError `InvalidArgument` */
async function readMessage(context: CliContext, given: string | undefined): Promise<string> {
  const fix = 'openclaw agent --message "TEXT", or pipe one in; openclaw chat converses';
  if (given === undefined && context.stdin.isTTY === true) throw new OperationError("InvalidArgument", "no message given", { fix });
  const message = given ?? (await readText(context.stdin));
  if (message.trim() === "") throw new OperationError("InvalidArgument", "the message is empty", { fix });
  return message;
}

/** The first signal stops the run, whose end is still printed; the next ends the command. */
function stopOnSignal(
  context: CliContext,
  client: GatewayClient,
  run: { sessionKey: string; runId(): string | undefined },
): { release(): void } {
  const releases = (["SIGINT", "SIGTERM"] as const).map((name) =>
    context.onSignal(name, () => {
      release();
      printNote(context, "openclaw: stopping the run");
      const runId = run.runId();
      client
        .ask("chatAbort", { params: { sessionKey: run.sessionKey }, body: runId === undefined ? {} : { runId } })
        .catch((error: unknown) => {
          if (error instanceof OperationError) printError(context, error);
        });
    }),
  );
  const release = (): void => {
    for (const each of releases) each();
  };
  return { release };
}

class Turn {
  readonly #context: CliContext;
  readonly #isJson: boolean;
  #isLineOpen = false;
  #end: RunEnd | null = null;
  #verbose: VerboseLevel = "on";
  accepted: ChatSendAnswer | null = null;

  constructor(context: CliContext, isJson: boolean) {
    this.#context = context;
    this.#isJson = isJson;
  }

  /** @throws OperationError what the gateway can't go on for */
  take(event: { event: string; data: unknown }): void {
    if (event.event === "accepted") this.#accept(ChatSendAnswer.parse(event.data));
    if (event.event === "error") throw fromProblem(Problem.parse(event.data));
    const saying = toSaying(event);
    if (saying.kind === "end") this.#end = saying.end;
    if (saying.kind === "started") this.#verbose = saying.verbose ?? "on";
    if (!this.#isJson) this.#print(toShown(saying, this.#verbose));
  }

  #accept(accepted: ChatSendAnswer): void {
    this.accepted = accepted;
    if (accepted.status === "queued") printNote(this.#context, "openclaw: a run goes on; this waits for its end");
    if (accepted.status === "steered") printNote(this.#context, "openclaw: a run goes on, and takes this in");
  }

  #print(saying: RunSaying): void {
    switch (saying.kind) {
      case "text":
        this.#isLineOpen = !saying.text.endsWith("\n");
        return this.#write(saying.text);
      case "piece-ended":
        return this.#closeLine();
      case "replaced":
        this.#closeLine();
        return printNote(this.#context, "openclaw: the answer broke off; it begins anew");
      case "tool":
        this.#closeLine();
        return printNote(this.#context, `> ${saying.line}`);
      case "tool-ended":
        return printNote(this.#context, `  ${saying.line}`);
      case "note":
        this.#closeLine();
        return printNote(this.#context, `openclaw: ${saying.line}`);
      case "output":
        return this.#printOutput(saying.text);
      case "started":
      case "end":
      case "nothing":
        return;
    }
  }

  #printOutput(text: string): void {
    this.#closeLine();
    printNote(this.#context, text.trimEnd().replaceAll(/^/gm, "  "));
  }

  #write(text: string): void {
    // `printData` ends a line that is not ended.
    const [whole, rest] = [text.slice(0, text.lastIndexOf("\n") + 1), text.slice(text.lastIndexOf("\n") + 1)];
    if (whole !== "") printData(this.#context, whole);
    if (rest !== "") printPart(this.#context, rest);
  }

  #closeLine(): void {
    if (this.#isLineOpen) printData(this.#context, "\n");
    this.#isLineOpen = false;
  }

  /** @throws OperationError where the stream ended before the run did */
  finish(sessionKey: string): ExitCode {
    this.#closeLine();
    const { accepted } = this;
    if (accepted?.status === "answered") return this.#finishCommand(accepted, sessionKey);
    const end = this.#end;
    if (accepted === null || end === null)
      throw new OperationError("GatewayUnreachable", "the gateway went away before the run ended", {
        fix: `openclaw chat --session ${sessionKey}`,
      });
    if (this.#isJson) printJson(this.#context, { sessionKey, status: accepted.status, ...end });
    else if (end.error !== null)
      printError(
        this.#context,
        new OperationError("NotReady", end.error.message, { ...(end.error.fix !== null && { fix: end.error.fix }) }),
      );
    else if (end.outcome === "aborted") printNote(this.#context, "openclaw: the run was stopped");
    return FAILURES[end.outcome];
  }

  #finishCommand(accepted: ChatSendAnswer, sessionKey: string): ExitCode {
    if (this.#isJson) printJson(this.#context, { sessionKey, ...accepted });
    else printData(this.#context, accepted.reply ?? "");
    return EXIT.ok;
  }
}
