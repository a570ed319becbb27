// Marks in a session's file that it wants a browser, which the controller then has ready, or that it wants none. What the file is otherwise is sessions.ts's.
import { type EpochMs, elapsed, MINUTE_MS } from "../../api/brands.ts";
import type { Session } from "../../api/session.ts";
import { BrowserStream } from "../sandbox/browser-stream.ts";
import type { StreamClient } from "../sandbox/stream-client.ts";
import type { Sessions } from "./sessions.ts";

/** A use within it is not written down: the controller sees connections by itself. */
const MARK_MS = MINUTE_MS;

/** Browsers of these sessions, reached through the controller. */
export const openBrowserStream = (client: StreamClient, sessions: Pick<Sessions, "edit">): BrowserStream =>
  new BrowserStream({
    client,
    marks: {
      wanted: (key) => sessions.edit(key, withBrowser),
      unwanted: (key) => sessions.edit(key, withoutBrowser),
    },
  });

function withBrowser(session: Session, now: EpochMs): Session | null {
  const usedAt = session.spec.browserUsedAt;
  const isMarked = usedAt !== undefined && usedAt <= now && elapsed(usedAt, now) < MARK_MS;
  return isMarked ? null : { ...session, spec: { ...session.spec, browserUsedAt: now } };
}

function withoutBrowser(session: Session): Session | null {
  const { browserUsedAt, ...spec } = session.spec;
  return browserUsedAt === undefined ? null : { ...session, spec };
}
