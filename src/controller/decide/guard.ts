// Decides whether so many removals happen at once that a person has to approve them: an emptied config, vanished session files. Pure.
// Remembering who lived here, and asking again when something changed, is loop/removal-guard.ts's.
import { type EpochMs, elapsed, HOUR_MS, type SandboxName, type ScopeKey } from "../../api/brands.ts";
import type { SandboxKind } from "../../api/sandbox.ts";
import type { Evidence, Want } from "./types.ts";

/** Fewer sandboxes than this are an everyday edit, however many of them go. */
export const BRAKE_MEMBERS_MIN = 4;
/** Removals that trickle in within this are one: longer than any script takes, shorter than a working day. */
export const BRAKE_WINDOW_MS = HOUR_MS;

/** A sandbox that has a container, or had one within the window and lost it to anything but its own end. */
export interface Member {
  name: SandboxName;
  kind: SandboxKind;
  scopeKey: ScopeKey;
  createdAt: EpochMs;
  /** Its session was seen to have ended: it goes by itself, whatever becomes of the session's file and of the config meanwhile. */
  hasEnded: boolean;
  /** It came while removals waited: it buys them no way out, and counts for nothing until none waits. */
  isLate: boolean;
  /** When it was found to have no container any more. null: it has one. */
  goneAt: EpochMs | null;
  /** Since when its removal has waited for a person, also once it is approved. null: it never did. An approval names this moment. */
  heldSince: EpochMs | null;
}

export interface GuardFacts {
  now: EpochMs;
  wantOf(member: Member): Want;
  /** The moment that a person's approval names. null: there is none. */
  approvalFor(name: SandboxName): EpochMs | null;
}

export interface Guarded {
  /** As they are to be remembered. */
  members: Member[];
  /** Why each removal that waits would be made. Empty: none waits. */
  held: ReadonlyMap<SandboxName, { because: string; since: EpochMs }>;
  /** How many would be gone (or are, within the window), of how many. */
  removals: number;
  of: number;
}

/** What can happen to many at once by one slip. A session that ended, and a sandbox that nobody used, went by themselves. */
export function isSlip(evidence: Evidence): boolean {
  return evidence.kind === "config" || evidence.kind === "session-gone";
}

/**
 * More than half of at least four: all of these removals wait, each until it is approved or its cause is gone. While any waits, nothing
 * is forgotten and what came later counts for nothing, so that neither time nor new sandboxes let a removal through. An approved removal
 * counts like any other: what is added to it later needs an approval of its own.
 */
export function guard(members: readonly Member[], facts: GuardFacts): Guarded {
  const judged = members.map((member) => judge(member, facts)).filter((one) => one !== null);
  const isBraking = judged.some(isWaiting);
  const remembered = judged.filter(({ member }) => isBraking || !isForgotten(member, facts.now));
  const counted = remembered.filter(({ isRemoval, member }) => !member.hasEnded && (!isBraking || isRemoval || !member.isLate));
  const removals = counted.filter(({ isRemoval }) => isRemoval).length;
  const isMass = 2 * removals > counted.length && (isBraking || counted.length >= BRAKE_MEMBERS_MIN);
  const next = remembered.map((one) => ({ ...one, member: { ...one.member, heldSince: heldSince(one, isMass, facts) } }));
  const held = new Map(
    next.filter(isWaiting).map(({ member, because }) => [member.name, { because, since: member.heldSince ?? facts.now }]),
  );
  const isLate = (member: Member): boolean => held.size > 0 && isBraking && member.isLate;
  return { members: next.map(({ member }) => ({ ...member, isLate: isLate(member) })), held, removals, of: counted.length };
}

interface Judged {
  member: Member;
  /** It would be removed, or was, for a reason that may be a slip. */
  isRemoval: boolean;
  isApproved: boolean;
  because: string;
}

/** null: it went by itself, or nobody uses it. */
function judge(member: Member, { wantOf, approvalFor }: GuardFacts): Judged | null {
  const want = wantOf(member);
  const hasEnded = want.kind !== "wanted" && (member.hasEnded || (want.kind === "unwanted" && want.evidence.kind === "session-ended"));
  if (hasEnded ? member.goneAt !== null : want.kind === "unwanted" && !isSlip(want.evidence)) return null;
  // What can't be told changes nothing: a removal that waits goes on waiting.
  const isRemoval = !hasEnded && (want.kind === "unwanted" || (want.kind === "unknown" && member.heldSince !== null));
  const isApproved = isRemoval && member.heldSince !== null && approvalFor(member.name) === member.heldSince;
  return { member: { ...member, hasEnded }, isRemoval, isApproved, because: want.because };
}

function isWaiting({ member, isRemoval, isApproved }: Judged): boolean {
  return isRemoval && !isApproved && member.heldSince !== null && member.goneAt === null;
}

const isForgotten = ({ goneAt }: Member, now: EpochMs): boolean => goneAt !== null && elapsed(goneAt, now) > BRAKE_WINDOW_MS;

function heldSince({ member, isRemoval, isApproved }: Judged, isMass: boolean, { now, approvalFor }: GuardFacts): EpochMs | null {
  if (isApproved) return member.heldSince;
  if (!isRemoval || !isMass) return null;
  if (member.heldSince !== null || member.goneAt !== null) return member.heldSince;
  // A wait is never the one that an old approval names, whatever the clock did.
  return Math.max(now, (approvalFor(member.name) ?? 0) + 1) as EpochMs;
}
