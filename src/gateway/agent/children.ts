// What a session that another one began tells that one: its whole last answer, with how it ended as the gateway saw it, or that a restart interrupted it. Pure.
// How it is told is agent-service.ts's.
import type { SessionKey } from "../../api/brands.ts";
import { toSafeLine } from "../../api/safe-text.ts";
import { lastActivityOf, type Session } from "../../api/session.ts";
import type { Requester, RunOutcome } from "./agent-port.ts";
import type { RunEnd } from "./run.ts";
import type { Input } from "./run-log.ts";

/** Children that are looked at when the gateway starts, the newest first: twice as many as can have been at work. */
const RECOVERED_MAX = 100;
const OUTCOMES: Readonly<Record<RunOutcome, string>> = { final: "has finished", aborted: "was stopped", error: "has failed" };
/** A child's whole answer that its parent need not hear. */
const ANNOUNCE_SKIP = "ANNOUNCE_SKIP";

export function toRecovered(sessions: readonly Session[]): readonly Session[] {
  const children = sessions.filter(({ spec }) => spec.parentKey !== undefined && spec.endedAt === undefined);
  return children.toSorted((one, other) => lastActivityOf(other) - lastActivityOf(one)).slice(0, RECOVERED_MAX);
}

export const renderInterrupted = ({ spec }: Session): string =>
  `Session ${spec.key} was interrupted by a restart of the gateway, and will not answer.`;

/** Whether the run was about what the session was begun for. */
export const isByParent = ({ spec: { parentKey } }: Session, inputs: readonly Input[]): boolean =>
  inputs.some(({ origin, requester }) => origin === "session" && requester.id === parentKey);

/** @param label what it is for, as who began it said @returns null: nobody asked, or it was stopped */
export function toAnnouncement(
  { session, label }: { session: Session; label: string | null },
  inputs: readonly Input[],
  end: RunEnd,
): { session: SessionKey; text: string; requester: Requester; hops: number } | null {
  const { key, parentKey } = session.spec;
  const asked = inputs.find(({ origin, requester }) => origin === "session" && requester.id === parentKey);
  if (parentKey === undefined || asked === undefined || end.text.trim() === ANNOUNCE_SKIP || end.outcome === "aborted") return null;
  const why = end.error === null ? "" : `: ${end.error.message}`;
  const named = label === null ? key : `${key} (${toSafeLine(label)})`;
  const text = `Session ${named} ${OUTCOMES[end.outcome]}${why}.\n${end.text}`;
  return { session: parentKey, text, requester: { kind: "session", id: key, isOwner: asked.requester.isOwner }, hops: asked.hops + 1 };
}
