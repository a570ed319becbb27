// A session's messages, oldest first, a page at a time.
import { useInfiniteQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { MessagesSquare } from "lucide-react";
import type { ReactNode } from "react";
import { useLink } from "../../connection/context.tsx";
import { Button } from "../../parts/button.tsx";
import { Empty } from "../../parts/card.tsx";
import { ErrorNotice, Loading } from "../../parts/notice.tsx";
import { useNow } from "../../parts/use-now.ts";
import { renderMoment } from "../../text/time.ts";

const PAGE_LENGTH = 100;

export function Conversation(): ReactNode {
  const { key } = useParams({ from: "/sessions/$key/" });
  const link = useLink();
  const now = useNow();
  const { data, error, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery({
    queryKey: ["sessions.messages", key],
    queryFn: async ({ pageParam, signal }) =>
      (await link.callWhenOpen("sessions.messages", { key, after: pageParam, limit: PAGE_LENGTH }, signal)).items,
    initialPageParam: 0,
    // A page may be shorter than was asked for, where messages are large: only an empty one is the last.
    getNextPageParam: (page) => page.at(-1)?.id,
  });
  if (error !== null) return <ErrorNotice error={error} what="The conversation could not be read" />;
  if (data === undefined) return <Loading />;
  const messages = data.pages.flat();
  if (messages.length === 0)
    return (
      <div className="card">
        <Empty icon={<MessagesSquare aria-hidden="true" />}>Nothing was said yet.</Empty>
      </div>
    );
  return (
    <div className="card">
      <ol className="messages">
        {messages.map(({ id, at, role, text, from }) => (
          <li key={id} data-role={role}>
            <div className="row small">
              <strong>{role}</strong>
              {from !== null && <span className="dim">from {from}</span>}
              <time className="dim" dateTime={new Date(at).toISOString()}>
                {renderMoment(at, now)}
              </time>
            </div>
            <p className="message-text">{text}</p>
          </li>
        ))}
      </ol>
      {hasNextPage && (
        <div className="card-body">
          <Button disabled={isFetchingNextPage} onClick={() => void fetchNextPage()}>
            Look for later messages
          </Button>
        </div>
      )}
    </div>
  );
}
