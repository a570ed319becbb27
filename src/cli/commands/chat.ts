// `openclaw chat`: a conversation at a terminal. What the agent says and does is followed for as long as the screen is there, whoever began it.
// How it looks is chat/screen.ts's, what the events say chat/run-text.ts's.
import { randomUUID } from "node:crypto";
import { z } from "zod";
import { isErrorCode, OperationError, renderError } from "../../api/errors.ts";
import type { ChatHistoryAnswer, ChatItem } from "../../api/gateway-protocol/chat.ts";
import type { VerboseLevel } from "../../api/thinking.ts";
import { connectForChat, toChatKey } from "../chat/connect-chat.ts";
import { type RunEnd, toSaying, toShown } from "../chat/run-text.ts";
import { ChatScreen } from "../chat/screen.ts";
import { Shown } from "../chat/shown.ts";
import { hasColours } from "../colours.ts";
import { type CliContext, EXIT, type ExitCode } from "../context.ts";
import type { GatewayClient } from "../gateway-client.ts";
import type { GatewayTarget } from "../gateway-health.ts";

export interface ChatOptions extends GatewayTarget {
  session?: string;
  agent?: string;
}

const ITEMS_SHOWN = "20";
/** Of what happened while the gateway was away. */
const ITEMS_LOOKED_AT = "200";
/** A gateway that restarts takes a second. */
const RECONNECT_MS = 1_000;

/** Until a person leaves. @throws OperationError `InvalidArgument`: there is no terminal; as the gateway answers */
export async function runChat(context: CliContext, options: ChatOptions): Promise<ExitCode> {
  if (context.stdin.isTTY !== true || context.stdout.isTTY !== true)
    throw new OperationError("InvalidArgument", "a conversation needs a terminal", { fix: 'openclaw agent --message "TEXT" needs none' });
  const client = await connectForChat(context, options);
  const { key } = await client.ask("createSession", { body: { key: toChatKey(options) } });
  const [history, commands] = [await readHistory(client, key), await client.ask("chatCommands")];
  const left = new AbortController();
  const conversation = new Conversation(client, key, new Shown(history.items));
  const screen = new ChatScreen(
    { title: `${key}  ${history.model ?? "no model yet"}`, hasColours: hasColours(context.env, true), commands: commands.items },
    {
      submit: (text) => (/^\/(?:exit|quit)$/.test(text.trim()) ? left.abort() : void conversation.say(screen, text)),
      stop: () => void conversation.stop(screen),
      leave: () => left.abort(),
    },
  );
  for (const item of history.items) showItem(screen, item);
  if (history.model === null) screen.note(`no model answers here yet: ${history.fix ?? "openclaw onboard"}`, "yellow");
  screen.start();
  const releases = (["SIGTERM", "SIGHUP"] as const).map((name) => context.onSignal(name, () => left.abort()));
  try {
    await conversation.follow(screen, left.signal);
  } finally {
    for (const release of releases) release();
    await screen.stop();
  }
  return EXIT.ok;
}

const readHistory = (client: GatewayClient, sessionKey: string, limit = ITEMS_SHOWN): Promise<ChatHistoryAnswer> =>
  client.ask("chatHistory", { params: { sessionKey }, query: { limit } });

function showItem(screen: ChatScreen, item: ChatItem): void {
  switch (item.kind) {
    case "user":
      return screen.asked(item.text);
    case "assistant":
      screen.answered(item.text);
      return screen.endAnswer();
    case "tool":
      if (item.verbose === "off") return;
      screen.toolBegan(item.callId, `${item.tool} ${JSON.stringify(item.input)}`.slice(0, 160));
      return screen.toolEnded(item.callId, {
        ...{ line: item.state, isError: item.state === "failed" },
        text: item.verbose === "on" ? "" : item.text,
      });
    case "compaction":
      return screen.note("earlier parts were put together");
    case "ended":
      return screen.note(item.error?.message ?? (item.outcome === "aborted" ? "stopped" : item.outcome), "yellow");
    case "note":
      return screen.note(item.text);
  }
}

/** Of every event of a run. */
const Numbered = z.looseObject({ runId: z.string(), seq: z.number() });

class Conversation {
  readonly #client: GatewayClient;
  readonly #sessionKey: string;
  #verbose: VerboseLevel = "full";

  readonly #shown: Shown;
  /** Events that come while what was missed is read. null: nothing is. */
  #early: { event: string; data: unknown }[] | null = null;
  /** Of this run events up to that number are in what was read. */
  #read: { runId: string; seq: number } | null = null;

  constructor(client: GatewayClient, sessionKey: string, shown: Shown) {
    this.#client = client;
    this.#sessionKey = sessionKey;
    this.#shown = shown;
  }

  async say(screen: ChatScreen, message: string): Promise<void> {
    screen.asked(message);
    this.#shown.asked(message);
    const body = { message, idempotencyKey: randomUUID() };
    const accepted = await this.#attempt(screen, this.#client.ask("chatSend", { params: { sessionKey: this.#sessionKey }, body }));
    if (accepted?.reply != null) screen.note(accepted.reply, "reset");
    if (accepted?.status === "queued") screen.note("this waits for the end of the run");
    if (accepted?.status === "started") screen.working("waiting for the model");
  }

  async stop(screen: ChatScreen): Promise<void> {
    const report = await this.#attempt(screen, this.#client.ask("chatAbort", { params: { sessionKey: this.#sessionKey }, body: {} }));
    if (report === null) return;
    if (report.runs + report.queued === 0) screen.note("nothing runs");
    for (const left of report.unstoppable) screen.note(`still there: ${left}`, "red");
  }

  /** Over restarts of the gateway, until the signal. */
  async follow(screen: ChatScreen, signal: AbortSignal): Promise<void> {
    let isAway = false;
    const opened = (): void => {
      if (isAway) void this.#catchUp(screen);
      isAway = false;
    };
    while (!signal.aborted) {
      try {
        const events = this.#client.follow("followChat", { params: { sessionKey: this.#sessionKey }, opened }, signal);
        for await (const event of events) {
          if (this.#early === null) this.#show(screen, event);
          else this.#early.push(event);
        }
      } catch (error) {
        if (signal.aborted) return;
        if (!isErrorCode(error, "GatewayUnreachable") && !isErrorCode(error, "LimitExceeded")) throw error;
      }
      if (signal.aborted) return;
      if (!isAway) screen.note("lost the gateway; trying again", "yellow");
      isAway = true;
      screen.working(null);
      await wait(RECONNECT_MS, signal);
    }
  }

  /** Shows what happened meanwhile, and goes on with what happens now. */
  async #catchUp(screen: ChatScreen): Promise<void> {
    const early: { event: string; data: unknown }[] = [];
    this.#early = early;
    screen.note("the gateway is back");
    const history = await this.#attempt(screen, readHistory(this.#client, this.#sessionKey, ITEMS_LOOKED_AT));
    if (history !== null) {
      for (const item of this.#shown.missed(history.items)) showItem(screen, item);
      this.#read = history.run;
      if (history.run !== null) screen.working("at work");
      if (history.run !== null && history.run.text !== "") screen.answered(history.run.text);
    }
    this.#early = null;
    for (const event of early) this.#show(screen, event);
  }

  #show(screen: ChatScreen, event: { event: string; data: unknown }): void {
    const run = Numbered.safeParse(event.data);
    if (run.success && run.data.runId === this.#read?.runId && run.data.seq <= this.#read.seq) return;
    const said = toSaying(event);
    this.#shown.note(said);
    const saying = toShown(said, this.#verbose);
    switch (saying.kind) {
      case "started":
        this.#verbose = saying.verbose ?? "full";
        return;
      case "text":
        screen.working("answering");
        return screen.answered(saying.text);
      case "piece-ended":
        return screen.endAnswer();
      case "replaced":
        return screen.takeBack();
      case "tool":
        screen.working("at work");
        return screen.toolBegan(saying.callId, saying.line);
      case "output":
        return screen.toolPrinted(saying.callId, saying.text);
      case "tool-ended":
        screen.working("waiting for the model");
        return screen.toolEnded(saying.callId, saying);
      case "note":
        return screen.note(saying.line);
      case "end":
        screen.working(null);
        return this.#end(screen, saying.end);
      case "nothing":
        return;
    }
  }

  #end(screen: ChatScreen, { outcome, error, usage }: RunEnd): void {
    screen.endAnswer();
    if (error !== null) return screen.note(`${error.message}${error.fix === null ? "" : `\n${error.fix}`}`, "red");
    if (outcome === "aborted") return screen.note("stopped", "yellow");
    if (usage !== null) screen.note(`${usage.input + usage.output} tokens`);
  }

  async #attempt<Answer>(screen: ChatScreen, asked: Promise<Answer>): Promise<Answer | null> {
    try {
      return await asked;
    } catch (error) {
      screen.note(renderError(error), "red");
      return null;
    }
  }
}

async function wait(ms: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener(
      "abort",
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}
