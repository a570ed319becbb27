// The list of sessions: whose they are, where their tools run, and when they were last used.
import { Link } from "@tanstack/react-router";
import { MessagesSquare, Search } from "lucide-react";
import { type ReactNode, useState } from "react";
import { useGateway } from "../../connection/context.tsx";
import type { AnswerOf } from "../../connection/methods.ts";
import { Card, Empty } from "../../parts/card.tsx";
import { ErrorNotice, Loading } from "../../parts/notice.tsx";
import { useNow } from "../../parts/use-now.ts";
import { VirtualBody } from "../../parts/virtual-body.tsx";
import { renderCount } from "../../text/size.ts";
import { renderAgo } from "../../text/time.ts";
import { FirstSteps } from "../first-steps.tsx";

const POLL_MS = 15_000;
/** As parts.css has it. */
const ROW_PX = 52;
const COLUMNS = ["Session", "Kind", "Tools run", "Messages", "Last used"] as const;

type Session = AnswerOf<"sessions.list">["items"][number];

export function SessionList(): ReactNode {
  const { data, error } = useGateway("sessions.list", {}, { everyMs: POLL_MS });
  const [words, setWords] = useState("");
  const items = data?.items ?? [];
  const found = items.filter(({ key }) => key.toLowerCase().includes(words.trim().toLowerCase()));
  return (
    <div className="stack">
      {error !== null && <ErrorNotice error={error} what="Sessions could not be read" />}
      {data === undefined && error === null && <Loading />}
      {data?.items.length === 0 && <FirstSteps />}
      {items.length > 0 && (
        <>
          <search className="row">
            <div className="search-field">
              <Search aria-hidden="true" />
              <input
                className="input"
                type="search"
                aria-label="Search by key"
                placeholder="Search by key"
                value={words}
                onChange={({ target }) => setWords(target.value)}
              />
            </div>
          </search>
          <Card title={renderCount(found.length, items.length, ["session", "sessions"])} flush>
            {found.length === 0 ? (
              <Empty icon={<MessagesSquare aria-hidden="true" />}>No session is called like that.</Empty>
            ) : (
              <SessionTable sessions={found.toSorted((one, other) => lastUse(other) - lastUse(one))} />
            )}
          </Card>
        </>
      )}
    </div>
  );
}

const lastUse = ({ lastActivityAt, createdAt }: Session): number => lastActivityAt ?? createdAt;

function SessionTable({ sessions }: { sessions: readonly Session[] }): ReactNode {
  const [scroller, setScroller] = useState<HTMLElement | null>(null);
  return (
    <section className="table-scroll" ref={setScroller} aria-label="The table of sessions">
      <table className="table tall-rows" aria-rowcount={sessions.length + 1}>
        <thead>
          <tr>
            {COLUMNS.map((name, at) => (
              <th key={name} scope="col" className={`session-column-${at}`}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <VirtualBody scroller={scroller} count={sessions.length} rowPx={ROW_PX} columns={COLUMNS.length}>
          {(index) => {
            const session = sessions[index];
            return session === undefined ? null : <SessionRow key={session.key} session={session} index={index} />;
          }}
        </VirtualBody>
      </table>
    </section>
  );
}

function SessionRow({ session, index }: { session: Session; index: number }): ReactNode {
  const now = useNow();
  const { key, agentId, kind, sandboxed, messages, endedAt } = session;
  return (
    <tr aria-rowindex={index + 2}>
      <td>
        <Link className="row-link truncate" to="/sessions/$key" params={{ key }}>
          {key}
        </Link>
        <div className="dim tiny">agent {agentId}</div>
      </td>
      <td className="session-column-1">{kind}</td>
      <td className="session-column-2">{sandboxed ? "in a sandbox" : "on the host"}</td>
      <td className="session-column-3">{messages}</td>
      <td className="nowrap">{endedAt === null ? renderAgo(lastUse(session), now) : <span className="dim">ended</span>}</td>
    </tr>
  );
}
