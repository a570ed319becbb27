// One conversation: what was said and done, what goes on, and what can be done about it.
// What is in it is use-conversation.ts's, how a message is written composer.tsx's.
import { useMutation } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { ArrowLeft, LoaderCircle, Square } from "lucide-react";
import { memo, type ReactNode, useLayoutEffect, useRef, useState } from "react";
import { useGateway, useLink, useMay } from "../../connection/context.tsx";
import { GatewayError } from "../../connection/link.ts";
import { Button, CommandWord } from "../../parts/button.tsx";
import { ErrorNotice, Notice } from "../../parts/notice.tsx";
import { StateMark } from "../../parts/state-mark.tsx";
import { useNow } from "../../parts/use-now.ts";
import { type Block, isHidden, type LiveRun, toShortKey } from "../../text/chat.ts";
import { toCommand } from "../../text/command.ts";
import { isSessionIn } from "../../text/sessions.ts";
import { toState } from "../../text/state.ts";
import { renderMoment, renderSpan } from "../../text/time.ts";
import { useSandboxes } from "../sandboxes/use-sandboxes.ts";
import { Composer } from "./composer.tsx";
import { Cost } from "./cost.tsx";
import { Markdown } from "./markdown.tsx";
import { ToolCard } from "./tool-card.tsx";
import { type ConversationState, useConversation } from "./use-conversation.ts";

const ITEMS_AT_FIRST = 100;
const ITEMS_MAX = 1_000;
/** A reader who is so near the end is at it. */
const END_PX = 80;

export function ChatConversation(): ReactNode {
  const { key } = useParams({ from: "/chat/$key" });
  // One that is opened after another begins anew.
  return <Shown key={key} sessionKey={key} />;
}

function Shown({ sessionKey }: { sessionKey: string }): ReactNode {
  const [limit, setLimit] = useState(ITEMS_AT_FIRST);
  const state = useConversation(sessionKey, limit);
  const { conversation, facts, error } = state;
  const live = conversation?.live ?? null;
  const running = live !== null && live.ended === null ? live : null;
  const isUnknown = error instanceof GatewayError && error.problemCode === "NotFound";
  const blocks = [...(conversation?.past ?? []), ...(live?.blocks ?? [])];
  const shown = blocks.filter((block) => !isHidden(block));
  return (
    <section className="chat-open" aria-label={`Conversation ${toShortKey(sessionKey)}`}>
      <Head sessionKey={sessionKey} model={facts?.model ?? null} running={running} hidden={blocks.length - shown.length} />
      <Scroller state={state}>
        {error !== null && !isUnknown && <ErrorNotice error={error} what="The conversation could not be read" />}
        {isUnknown && <p className="dim chat-hint">There is no session of this name yet: what you write begins it.</p>}
        {facts?.before != null && limit < ITEMS_MAX && (
          <Button size="small" onClick={() => setLimit(ITEMS_MAX)}>
            Show earlier
          </Button>
        )}
        {shown.map((block) => (
          <BlockView key={block.key} block={block} sessionKey={sessionKey} />
        ))}
        {live !== null && <RunState run={live} />}
        {conversation?.past.length === 0 && live === null && <p className="dim chat-hint">Nothing was said yet.</p>}
      </Scroller>
      {facts !== undefined && facts.model === null && <NoModel fix={facts.fix} />}
      <Composer
        sessionKey={sessionKey}
        isRunning={running !== null}
        isReady={facts?.model != null}
        stop={<Stop sessionKey={sessionKey} running={running} />}
      />
    </section>
  );
}

function NoModel({ fix }: { fix: string | null }): ReactNode {
  return (
    <Notice tone="wait" title="No model answers here yet">
      {fix ?? "The config names none."} <CommandWord text={toCommand("onboard")} /> asks for one.
    </Notice>
  );
}

interface HeadProps {
  sessionKey: string;
  model: string | null;
  running: LiveRun | null;
  /** How many tool calls are not shown. */
  hidden: number;
}

function Head({ sessionKey, model, running, hidden }: HeadProps): ReactNode {
  const { data: session } = useGateway("sessions.get", { key: sessionKey });
  const sandbox = useSandboxes().data?.find(({ spec }) => session !== undefined && isSessionIn(session, spec));
  const state = sandbox === undefined ? null : toState(sandbox);
  return (
    <header className="chat-head">
      <Link to="/chat" className="button chat-back" data-kind="ghost" data-size="icon" aria-label="All conversations">
        <ArrowLeft aria-hidden="true" />
      </Link>
      <div className="grow">
        <h2 className="truncate">
          <Link to="/sessions/$key" params={{ key: sessionKey }} title="The session's page">
            {toShortKey(sessionKey)}
          </Link>
        </h2>
        <p className="row tiny dim">
          <span>{model ?? "no model"}</span>
          {sandbox !== undefined && state !== null ? (
            <Link to="/sandboxes/$name" params={{ name: sandbox.metadata.name }} className="text-link">
              <StateMark tone={state.tone}>sandbox {state.word.toLowerCase()}</StateMark>
            </Link>
          ) : (
            <span>{session === undefined ? "" : session.sandboxed ? "no sandbox yet" : "on the host"}</span>
          )}
          <Cost sessionKey={sessionKey} isRunning={running !== null} />
          {hidden > 0 && <span title="/verbose on shows them">{hidden === 1 ? "1 tool call" : `${hidden} tool calls`} hidden</span>}
        </p>
      </div>
    </header>
  );
}

/** Stays at its end while a reader is there, and says it to whoever listens. */
function Scroller({ state: { conversation }, children }: { state: ConversationState; children: ReactNode }): ReactNode {
  const box = useRef<HTMLElement>(null);
  const isAtEnd = useRef(true);
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is what was added that moves the end
  useLayoutEffect(() => {
    if (isAtEnd.current) box.current?.scrollTo({ top: box.current.scrollHeight });
  }, [conversation]);
  const note = ({ currentTarget }: { currentTarget: HTMLElement }): void => {
    const { scrollTop, scrollHeight, clientHeight } = currentTarget;
    isAtEnd.current = scrollHeight - scrollTop - clientHeight < END_PX;
  };
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be reached
    <section ref={box} className="chat-scroll" aria-label="What was said" onScroll={note} tabIndex={0}>
      <div className="chat-blocks">{children}</div>
    </section>
  );
}

const BlockView = memo(({ block, sessionKey }: { block: Block; sessionKey: string }): ReactNode => {
  switch (block.kind) {
    case "user":
      return <UserBlock block={block} />;
    case "assistant":
      return (
        <article className="chat-answer" data-live={block.isLive || undefined} aria-label="Answer" aria-busy={block.isLive || undefined}>
          <Markdown text={block.text} sessionKey={sessionKey} />
          {block.isPartial && <p className="dim tiny">Stopped here.</p>}
        </article>
      );
    case "tool":
      return <ToolCard block={block} />;
    case "note":
      return <NoteBlock block={block} />;
  }
});

function UserBlock({ block }: { block: Extract<Block, { kind: "user" }> }): ReactNode {
  const now = useNow();
  const { text, attachments, from, at, state } = block;
  const whose = from.startsWith("agent:") ? `from ${from}` : "";
  return (
    <article className="chat-asked" aria-label="Message">
      <p className="message-text">{text}</p>
      {attachments.length > 0 && (
        <ul className="row tiny">
          {attachments.map(({ path }) => (
            <li key={path}>
              <code className="chip">{path}</code>
            </li>
          ))}
        </ul>
      )}
      <p className="dim tiny">
        {whose} <time dateTime={new Date(at).toISOString()}>{renderMoment(at, now)}</time>
        {state === "queued" && ", waits for its turn"}
        {state === "interrupted" && ", was not answered"}
      </p>
    </article>
  );
}

function NoteBlock({ block: { text, fix, tone } }: { block: Extract<Block, { kind: "note" }> }): ReactNode {
  if (tone === "rest") return <p className="chat-note dim small">{text}</p>;
  return (
    <Notice tone={tone} title={text}>
      {fix ?? undefined}
    </Notice>
  );
}

/** How long it takes, or how it ended where that is no answer. */
function RunState({ run: { startedAt, doing, ended, blocks } }: { run: LiveRun }): ReactNode {
  const now = useNow();
  if (ended === null) {
    const isSaying = blocks.some(
      (block) => (block.kind === "assistant" && block.isLive) || (block.kind === "tool" && block.state === "running"),
    );
    return (
      <p className="chat-doing dim small" role="status">
        <LoaderCircle aria-hidden="true" className="spin" size={14} />
        {doing ?? (isSaying ? "At work" : "Waiting for the model")}, {renderSpan(now - startedAt)}
      </p>
    );
  }
  if (ended.state === "final") return null;
  return (
    <Notice
      tone={ended.state === "error" ? "bad" : "wait"}
      title={ended.state === "error" ? `The run failed: ${ended.message}` : "Stopped."}
    >
      {ended.fix ?? undefined}
    </Notice>
  );
}

function Stop({ sessionKey, running }: { sessionKey: string; running: LiveRun | null }): ReactNode {
  const link = useLink();
  const mayStop = useMay("chat.abort");
  const stop = useMutation({ mutationFn: () => link.call("chat.abort", { sessionKey }) });
  if (running === null || !mayStop) return null;
  const left = stop.data?.unstoppable ?? [];
  return (
    <>
      <Button
        kind="danger"
        onClick={() => stop.mutate()}
        disabled={stop.isPending}
        aria-keyshortcuts="Escape"
        title={toCommand("agent", "--session", sessionKey, "--message", "/stop")}
      >
        <Square aria-hidden="true" />
        Stop
      </Button>
      {stop.error !== null && <ErrorNotice error={stop.error} what="Not stopped" />}
      {left.length > 0 && <Notice tone="bad" title={`Still there: ${left.join("; ")}`} />}
    </>
  );
}
