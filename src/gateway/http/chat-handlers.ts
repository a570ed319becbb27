// What the operations of a conversation with a model do: they hand it to the agent, and its runs to whoever asked.
// The forms are api/gateway-protocol/operations-chat.ts's, the runs agent/'s.
import type { z } from "zod";
import { type SessionKey, toDurationMs } from "../../api/brands.ts";
import { OperationError } from "../../api/errors.ts";
import type { ChatItem } from "../../api/gateway-protocol/chat.ts";
import type { CHAT_OPERATIONS } from "../../api/gateway-protocol/operations-chat.ts";
import type { Say } from "../../api/place.ts";
import type { Session } from "../../api/session.ts";
import { type AgentPort, type ChatAccepted, type ChatInput, type HistoryItem, NO_WISHES, type RunId } from "../agent/agent-port.ts";
import type { ChatFeed } from "../chat/chat-feed.ts";
import { toRequester } from "../chat/requester.ts";
import { streamRun, streamSession } from "../chat/run-stream.ts";
import type { Identity } from "../devices/identity.ts";
import type { SessionService } from "../sessions/service.ts";
import type { Sessions } from "../sessions/sessions.ts";
import type { Message } from "../tools/tool-port.ts";
import type { CallOf, Handlers } from "./handler.ts";
import { toProblemHere } from "./problem.ts";

export interface ChatHandlerParts {
  agent: AgentPort;
  feed: ChatFeed;
  /** What a message may be besides something to answer. */
  commands: readonly { name: string; about: string }[];
  sessions: Sessions;
  service: SessionService;
  /** A hint as it works where the gateway runs. */
  say: Say;
}

const HISTORY_LENGTH_DEFAULT = 100;

export function chatHandlers({
  agent,
  feed,
  commands,
  sessions,
  service,
  say,
}: ChatHandlerParts): Pick<Handlers, keyof typeof CHAT_OPERATIONS | "sendMessage"> {
  const find = (params: Readonly<Record<string, string>>): Session => sessions.get(service.expand(params.sessionKey ?? ""));
  const toProblem = (error: unknown): object => toProblemHere(error, say);
  return {
    chatHistory: async ({ params, query }) => {
      const { key } = find(params).spec;
      const { items, before } = await agent.history(key, { limit: query.limit ?? HISTORY_LENGTH_DEFAULT, before: query.before ?? null });
      const available = agent.isAvailable(key);
      // After the items: what ends meanwhile is in neither, and its event comes.
      const run = feed.current(key);
      return {
        ...{ sessionKey: key, before, items: items.map(toItem) },
        run: run && { ...run, tools: run.tools.map((tool) => ({ ...tool })) },
        ...{ model: "model" in available ? available.model : null, fix: "fix" in available ? say(available.fix) : null },
      };
    },
    chatSend: async (call) => {
      const session = await openForChat(service, call.params.sessionKey ?? "");
      const send = (): Promise<ChatAccepted> => agent.send(toInput(session, call));
      if (call.emit === undefined && call.headers.get("accept")?.includes("text/event-stream") === true)
        return await streamRun({ feed, session: session.spec.key, toProblem, signal: call.signal }, send);
      return await send();
    },
    chatAbort: async ({ params, body }) => {
      const report = await agent.abort(find(params).spec.key, (body.runId ?? null) as RunId | null);
      return { ...report, unstoppable: [...report.unstoppable] };
    },
    sendMessage: async ({ params, body, identity }) => {
      const { key } = sessions.get(service.expand(params.key ?? "")).spec;
      const role = body.role ?? "user";
      const isAsked = role === "user" && body.run !== false && "model" in agent.isAvailable(key);
      const run = isAsked ? await agent.send(toPlainInput(key, body.text, identity)) : null;
      // Whoever answers a message has kept it; a command is no message to it.
      if (run !== null && run.status !== "answered") return { ...(await lastMessage(sessions, key, body.text)), run };
      await sessions.touch(key);
      return { ...(await sessions.append(key, { role, text: body.text, from: null })), run };
    },
    chatInject: async ({ params, body, identity }) => {
      await agent.inject(find(params).spec.key, body.message, toRequester(identity));
      return { ok: true };
    },
    chatCommands: async () => ({ items: commands.map(({ name, about }) => ({ name, about })) }),
    followChat: async ({ params, signal }) => streamSession({ feed, session: find(params).spec.key, toProblem, signal }),
  };
}

const toItem = (item: HistoryItem): z.input<typeof ChatItem> => {
  if (item.kind === "user") return { ...item, attachments: item.attachments.map((one) => ({ ...one })) };
  return item.kind === "tool" ? { ...item, details: { ...item.details } } : { ...item };
};

/** Whoever writes to an agent for the first time begins its session. */
const openForChat = async (service: SessionService, key: string): Promise<Session> => await service.open({ key });

function toInput({ spec: { key } }: Session, { body, identity }: CallOf<"chatSend">): ChatInput {
  return {
    ...{ session: key, text: body.message, attachments: body.attachments ?? [], requester: toRequester(identity) },
    ...{ isOwnWord: true, queueMode: body.queueMode ?? null, idempotencyKey: body.idempotencyKey },
    timeoutMs: body.timeoutMs === undefined ? null : toDurationMs(body.timeoutMs),
    wishes: { ...NO_WISHES, thinking: body.thinking ?? null },
  };
}

const toPlainInput = (session: SessionKey, text: string, identity: Identity): ChatInput => ({
  ...{ session, text, attachments: [], requester: toRequester(identity) },
  ...{ isOwnWord: true, queueMode: null, idempotencyKey: null, timeoutMs: null, wishes: NO_WISHES },
});

/** As far back as messages of others may have come meanwhile. */
const LAST_LOOKED_AT = 50;

/** @throws OperationError `NotFound`: the conversation was reset meanwhile */
async function lastMessage(sessions: Sessions, key: SessionKey, text: string): Promise<Message> {
  const after = Math.max(0, (await sessions.countMessages(key)) - LAST_LOOKED_AT);
  const messages = await sessions.messages(key, { after, limit: LAST_LOOKED_AT });
  const message = messages.findLast((one) => one.role === "user" && one.text === text);
  if (message === undefined) throw new OperationError("NotFound", "the conversation was reset meanwhile");
  return message;
}
