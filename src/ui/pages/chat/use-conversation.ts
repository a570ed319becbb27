// A conversation as a hook: its history, and the events of its runs put into it as they come. After a lost connection, and whenever something is not of the
// run that is known, the history is asked for anew.
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import type { AgentEventPayload, ChatEventPayload, ChatHistoryAnswer } from "../../../api/gateway-protocol/chat.ts";
import { useGateway, useLink } from "../../connection/context.tsx";
import type { GatewayEvent } from "../../connection/link.ts";
import { type Conversation, toConversation, withAgent, withChat } from "../../text/chat.ts";

export interface ConversationState {
  /** undefined: not read yet */
  conversation: Conversation | undefined;
  facts: Pick<ChatHistoryAnswer, "model" | "fix" | "before"> | undefined;
  error: Error | null;
}

/** What was read with what came since. */
interface Merged {
  from: ChatHistoryAnswer;
  conversation: Conversation;
}

/** An answer is on its way to the screen for less than a second; as many events as come in some. */
const EVENTS_MAX = 500;

/** @param limit how many of the newest items */
export function useConversation(sessionKey: string, limit: number): ConversationState {
  const link = useLink();
  const queries = useQueryClient();
  const { data, error } = useGateway("chat.history", { sessionKey, limit });
  const [merged, setMerged] = useState<Merged | null>(null);
  const newest = useRef<GatewayEvent[]>([]);
  useEffect(() => {
    if (data === undefined) return;
    // Of what came meanwhile some is in the answer: each event says by its number whether it is.
    const conversation = newest.current.reduce((so, event) => take(so, event) ?? so, toConversation(data));
    setMerged({ from: data, conversation });
  }, [data]);
  useEffect(() => {
    newest.current = [];
    const renew = (): void => void queries.invalidateQueries({ queryKey: ["chat.history"] });
    return link.onEvent((event) => {
      if (isMessage(event, sessionKey)) renew();
      if (!isOfRun(event, sessionKey)) return;
      newest.current = [...newest.current.slice(-EVENTS_MAX), event];
      setMerged((before) => {
        const conversation = before === null ? null : take(before.conversation, event);
        return before === null || conversation === null || conversation === before.conversation ? before : { ...before, conversation };
      });
      if (isTurn(event)) renew();
    });
  }, [link, queries, sessionKey]);
  return { conversation: merged?.from.sessionKey === sessionKey ? merged.conversation : undefined, facts: data, error };
}

const isOfRun = ({ event, payload }: GatewayEvent, sessionKey: string): boolean =>
  (event === "chat" || event === "agent") && (payload as ChatEventPayload).sessionKey === sessionKey;

function isMessage({ event, payload }: GatewayEvent, sessionKey: string): boolean {
  if (event !== "sessions.changed") return false;
  const { key, change } = payload as { key: string; change: string };
  return key === sessionKey && change === "message";
}

/** null: it is of a run that is not known here */
const take = (conversation: Conversation, { event, payload }: GatewayEvent): Conversation | null =>
  event === "chat" ? withChat(conversation, payload as ChatEventPayload) : withAgent(conversation, payload as AgentEventPayload);

/** A run that begins or ends, or takes a message in: the history has more then. */
function isTurn({ event, payload }: GatewayEvent): boolean {
  if (event === "chat") return (payload as ChatEventPayload).state !== "delta";
  const { stream, data } = payload as AgentEventPayload;
  return stream === "lifecycle" && (data.phase === "start" || data.phase === "steered" || data.phase === "compacted");
}
