// The chat: conversations at the side, each with its sandbox's state, and one of them with all that its agent says and does, as it happens.
// What is in a conversation is text/chat.ts's, how a message is written composer.tsx's.
import { useMutation } from "@tanstack/react-query";
import { Link, Outlet, useNavigate, useParams } from "@tanstack/react-router";
import { MessageSquarePlus } from "lucide-react";
import type { ReactNode } from "react";
import type { Sandbox } from "../../../api/sandbox.ts";
import { useGateway, useLink, useMay } from "../../connection/context.tsx";
import type { AnswerOf } from "../../connection/methods.ts";
import { Button, Command } from "../../parts/button.tsx";
import { Empty } from "../../parts/card.tsx";
import { ErrorNotice, Waiting } from "../../parts/notice.tsx";
import { StateMark } from "../../parts/state-mark.tsx";
import { useNow } from "../../parts/use-now.ts";
import { toShortKey } from "../../text/chat.ts";
import { toCommand } from "../../text/command.ts";
import { isSessionIn } from "../../text/sessions.ts";
import { toState } from "../../text/state.ts";
import { renderAgo } from "../../text/time.ts";
import { useSandboxes } from "../sandboxes/use-sandboxes.ts";
import "../../styles/chat.css";

type Session = AnswerOf<"sessions.list">["items"][number];

/** A list for the eye; the others are found on the page of sessions, and in the palette. */
const SHOWN_MAX = 100;

const lastUse = ({ lastActivityAt, createdAt }: Session): number => lastActivityAt ?? createdAt;
/** A client of MCP has a model of its own. */
const isChat = ({ kind, endedAt }: Session): boolean => kind !== "mcp" && endedAt === null;

export function ChatPage(): ReactNode {
  const { key } = useParams({ strict: false });
  const { data, error } = useGateway("sessions.list", {});
  const sandboxes = useSandboxes();
  const sessions = (data?.items ?? []).filter(isChat).toSorted((one, other) => lastUse(other) - lastUse(one));
  return (
    <div className="chat" data-open={key !== undefined}>
      <nav className="chat-list" aria-label="Conversations">
        <NewChat />
        {data === undefined && <Waiting errors={[error]} what="Sessions could not be read" />}
        {data !== undefined && sessions.length === 0 && <p className="chat-hint dim small">No conversation yet.</p>}
        <ul>
          {sessions.slice(0, SHOWN_MAX).map((session) => (
            <SessionLine key={session.key} session={session} sandboxes={sandboxes.data ?? []} />
          ))}
        </ul>
      </nav>
      <Outlet />
    </div>
  );
}

function NewChat(): ReactNode {
  const link = useLink();
  const navigate = useNavigate();
  const mayCreate = useMay("sessions.create");
  const create = useMutation({
    mutationFn: () => link.call("sessions.create", {}),
    onSuccess: ({ key }) => void navigate({ to: "/chat/$key", params: { key } }),
  });
  if (!mayCreate) return null;
  return (
    <div className="chat-new">
      <Button onClick={() => create.mutate()} disabled={create.isPending} title={toCommand("session", "create")}>
        <MessageSquarePlus aria-hidden="true" />
        New conversation
      </Button>
      {create.error !== null && <ErrorNotice error={create.error} what="Not begun" />}
    </div>
  );
}

function SessionLine({ session, sandboxes }: { session: Session; sandboxes: readonly Sandbox[] }): ReactNode {
  const now = useNow();
  const sandbox = sandboxes.find(({ spec }) => isSessionIn(session, spec));
  const state = sandbox === undefined ? null : toState(sandbox);
  return (
    <li>
      <Link to="/chat/$key" params={{ key: session.key }} className="chat-line">
        <span className="truncate">{toShortKey(session.key)}</span>
        <span className="row tiny">
          {state === null ? (
            <span className="dim">{session.sandboxed ? "no sandbox yet" : "on the host"}</span>
          ) : (
            <StateMark tone={state.tone}>{state.word}</StateMark>
          )}
          <span className="dim">{renderAgo(lastUse(session), now)}</span>
        </span>
      </Link>
    </li>
  );
}

export function NoConversation(): ReactNode {
  return (
    <div className="chat-none">
      <Empty>
        Choose a conversation, or begin one. Each has a history of its own, and runs its tools in a sandbox where the config says so.
      </Empty>
      <Command text={toCommand("chat")} />
    </div>
  );
}
