// Events as a timeline: what happened, to what, when, and how often.
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { SandboxEvent } from "../../api/event.ts";
import { withFieldSizes } from "../text/size.ts";
import { isDeferral, type Tone } from "../text/state.ts";
import { renderAgo, renderMoment, withLocalTimes } from "../text/time.ts";
import { Empty } from "./card.tsx";
import { Prose } from "./prose.tsx";
import { useNow } from "./use-now.ts";

interface EventListProps {
  events: readonly SandboxEvent[];
  /** Newest first, at most so many. */
  limit: number;
  /** false: on the page of the one object that they are about. */
  named?: boolean;
}

export function EventList({ events, limit, named = true }: EventListProps): ReactNode {
  const now = useNow();
  if (events.length === 0) return <Empty>Nothing happened yet.</Empty>;
  const newest = events.toSorted((one, other) => other.lastSeen - one.lastSeen).slice(0, limit);
  return (
    <ol className="timeline">
      {newest.map((event) => (
        <li key={event.id} data-tone={toneOf(event)}>
          <div className="timeline-head">
            <strong>{event.reason}</strong>
            {named && <EventObject event={event} />}
            <time className="dim nowrap" dateTime={new Date(event.lastSeen).toISOString()} title={renderMoment(event.lastSeen, now)}>
              {renderAgo(event.lastSeen, now)}
            </time>
          </div>
          <p className="soft wrap-any">
            <Prose text={withFieldSizes(withLocalTimes(event.message, now))} />
            {event.count > 1 && <span className="dim"> ×{event.count}</span>}
          </p>
        </li>
      ))}
    </ol>
  );
}

/** What waits on purpose is told as a warning too, and is no fault. */
const toneOf = ({ type, reason }: SandboxEvent): Tone => (type === "Normal" ? "rest" : isDeferral(reason) ? "wait" : "bad");

function EventObject({ event: { object } }: { event: SandboxEvent }): ReactNode {
  if (object.kind !== "Sandbox") return <span className="dim truncate">{object.kind}</span>;
  return (
    <Link className="dim truncate mono plain-link" to="/sandboxes/$name" params={{ name: object.name }}>
      {object.name}
    </Link>
  );
}
