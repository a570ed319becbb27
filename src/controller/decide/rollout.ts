// Decides which sandboxes may be replaced now when one change concerns many: a canary first, then a few at a time, none after too many
// failures or while rollouts are paused. Pure: the state of all sandboxes goes in; a permission, its reason and its wake-up time come out.
import { type EpochMs, later, type SandboxName, SECOND_MS, toDurationMs } from "../../api/brands.ts";
import type { ChangePart, Failure } from "../../api/sandbox.ts";
import { keepsEnding } from "./backoff.ts";
import { plan } from "./plan.ts";
import { changeMade, waitsSince } from "./replacement.ts";
import { deadlineOf, isStuck, provesAt, RolloutBoard, type RolloutMember, type Tally } from "./rollout-board.ts";
import { isReady } from "./status.ts";
import type { Plan, PlanInput, RolloutGate } from "./types.ts";

export interface Rollout {
  board: RolloutBoard;
  paused: boolean;
  /** How many sandboxes there are. */
  sandboxes: number;
  /** Whether every sandbox was looked at since the start. Before that nobody knows who is being replaced. */
  complete: boolean;
}

const OPEN: RolloutGate = { kind: "open" };
/** Where work would be ended, others of the same change are looked at first. */
const PREFERENCE_MS = toDurationMs(2 * SECOND_MS);

export interface Judged {
  plan: Plan;
  /** Where the sandbox stands from now on. null: it takes part in no rollout. */
  member: RolloutMember | null;
}

/** Plans one sandbox as its rollout permits. The caller puts the member on the board before anybody else is judged: it may be a claim. */
export function judge(rollout: Rollout, input: PlanInput): Judged {
  const free = plan({ ...input, gate: OPEN });
  const before = rollout.board.get(input.name);
  const member = toMember(input, free, before);
  if (member === null || free.replacement === null) return { plan: free, member };
  const goes = free.verdict.kind === "progressing";
  if (!goes && !rollout.paused) return { plan: free, member };
  const half = input.containers.find(({ observation }) => observation.stage === "pending");
  // What an earlier process began goes on.
  const began =
    before?.state === "replacing" ? before.at : before === null && half !== undefined ? half.observation.identity.createdAt : null;
  const gate = rollout.paused ? PAUSED : began !== null ? OPEN : gateOf(rollout, member, input.now);
  if (gate.kind === "open") return { plan: free, member: { ...member, state: "replacing", at: began ?? input.now } };
  return { plan: plan({ ...input, gate }), member: { ...member, gate } };
}

/** Where it stands before anybody is asked. */
function toMember(input: PlanInput, free: Plan, before: RolloutMember | null): RolloutMember | null {
  const { want, name, now, change } = input;
  if (want.kind !== "wanted") return null;
  const { replacement, verdict } = free;
  const base = { name, since: waitsSince(change, now), settings: want.desired.settings.rollout, gate: OPEN };
  if (replacement !== null) {
    const { parts, busy, cause } = replacement;
    const held = verdict.kind === "deferred";
    const willing = verdict.kind === "progressing" || (held && verdict.reason === "in-use");
    // Who can't try again for being in use keeps nobody from trying.
    const failure = held ? null : failureOf(input);
    return { ...base, parts, state: "waiting", at: now, failure, busy, willing, asked: cause === "forced" };
  }
  const parts = changeMade(change, free.serving)?.parts ?? [];
  const settled = verdict.kind === "converged" && isReady(input, free);
  if (parts.length === 0 && (settled || before === null || before.state === "waiting")) return null;
  const still = { ...base, parts, failure: failureOfMade(input), busy: false, willing: false, asked: false };
  const state = settled ? "serving" : "settling";
  return { ...still, state, at: before?.state === state ? before.at : now };
}

/** Why this spec could not be made here. null: nothing stood against it. */
const failureOf = ({ failure, spec }: PlanInput): string | null => renderFailure(failure, spec);

/** The same once it was made: what serves was made from it. */
function failureOfMade({ servingFailure, failure, spec }: PlanInput): string | null {
  const keepsFailing = servingFailure?.code !== "CrashLoop" || keepsEnding(servingFailure);
  return renderFailure(failure, spec) ?? (keepsFailing ? renderFailure(servingFailure, spec) : null);
}

function renderFailure(failure: Failure | null, spec: PlanInput["spec"]): string | null {
  return failure === null || failure.generation !== spec?.generation ? null : `${failure.code}: ${failure.message}`;
}

const PAUSED: RolloutGate = {
  kind: "closed",
  reason: "paused",
  until: null,
  message: "rollouts are paused; resume with: openclaw sandbox rollout resume",
};

/** Whether this one may begin now. What it stands for itself does not count. */
export function gateOf(rollout: Rollout, own: RolloutMember, now: EpochMs): RolloutGate {
  const { canary, maxParallel } = own.settings;
  if (!rollout.complete && (canary > 0 || maxParallel !== null)) return closed("turn", null, "not all sandboxes have been observed yet");
  if (!own.asked) {
    for (const part of own.parts) {
      const gate = changeGate(rollout.board.tally(part), part, { own, now, alone: rollout.sandboxes < 2 });
      if (gate.kind === "closed") return gate;
    }
  }
  return turnGate(rollout.board, own, now);
}

interface Asking {
  own: RolloutMember;
  now: EpochMs;
  alone: boolean;
}

function changeGate(tally: Readonly<Tally>, part: ChangePart, { own, now, alone }: Asking): RolloutGate {
  const others = (all: ReadonlyMap<SandboxName, RolloutMember>): RolloutMember[] =>
    [...all.values()].filter(({ name }) => name !== own.name);
  const active = others(tally.active);
  const failed = [...others(tally.failed), ...active.filter((one) => one.failure === null && isStuck(one, now))];
  const { canary } = own.settings;
  const proven = countProven(tally, now, Math.max(canary, failed.length));
  // One that failed tries again by itself; it alone must not wait for its own success.
  if (failed.length > proven && own.failure === null) return haltedBy(failed, part);
  if (canary === 0 || proven >= canary) return OPEN;
  const unproven = [...tally.serving.values()].filter((one) => now < provesAt(one));
  const trying = [...active.filter((one) => !isStuck(one, now)), ...unproven];
  if (trying.length >= canary - proven) {
    return closed("canary", nextOf(trying, now), `waiting for the canary ${renderNames(trying)} of the same change (${part.field})`);
  }
  if (!own.busy || alone) return OPEN;
  const idle = others(tally.idle);
  if (idle.length > 0)
    return closed("canary", later(now, PREFERENCE_MS), `in use; waiting for idle ${renderNames(idle)} to take the same change first`);
  const lookedAt = later(own.since, PREFERENCE_MS);
  return now < lookedAt ? closed("canary", lookedAt, "in use; waiting for an idle sandbox to take the same change first") : OPEN;
}

/** @param enough counting ends there */
function countProven({ serving }: Readonly<Tally>, now: EpochMs, enough: number): number {
  let count = 0;
  for (const one of serving.values()) {
    if (count >= enough) break;
    if (now >= provesAt(one)) count += 1;
  }
  return count;
}

/** When what is under way will have succeeded or taken too long. */
const nextOf = (trying: readonly RolloutMember[], now: EpochMs): EpochMs | null =>
  earliest(trying.map((one) => (one.state === "serving" ? provesAt(one) : deadlineOf(one))).filter((at) => at > now));

const earliest = (moments: readonly EpochMs[]): EpochMs | null => (moments.length === 0 ? null : (Math.min(...moments) as EpochMs));

/** Named in a message; the others are counted. */
const NAMED_MAX = 3;

/** The same words whatever the order: who waits is told again only when what it waits for is something else. */
function renderNames(members: readonly RolloutMember[]): string {
  const names = members.map(({ name }) => name).sort();
  return names.length > NAMED_MAX ? `${names.slice(0, NAMED_MAX).join(", ")} and ${names.length - NAMED_MAX} more` : names.join(", ");
}

function haltedBy(failed: readonly RolloutMember[], { field }: ChangePart): RolloutGate {
  const first = failed.toSorted((left, right) => (left.name < right.name ? -1 : 1))[0];
  const why = first?.failure ?? "not ready within rollout.progressDeadline";
  const message = `the change of ${field} is halted because it failed in ${renderNames(failed)} (${why}); it continues once the config is fixed, or once it succeeds there`;
  return closed("halted", null, message);
}

function turnGate(board: RolloutBoard, own: RolloutMember, now: EpochMs): RolloutGate {
  const { maxParallel } = own.settings;
  if (maxParallel === null || board.active.size < maxParallel) return OPEN;
  const active = [...board.active.values()].filter((one) => one.name !== own.name && !isStuck(one, now));
  if (active.length < maxParallel) return OPEN;
  return closed(
    "turn",
    nextOf(active, now),
    `waiting for its turn: ${active.length} are being replaced (rollout.maxParallel is ${maxParallel})`,
  );
}

function closed(reason: "canary" | "turn" | "halted", until: EpochMs | null, message: string): RolloutGate {
  return { kind: "closed", reason, until, message };
}

export interface Awakened {
  /** Who waits, and may begin now or waits for something else now: those have to be told. */
  names: SandboxName[];
  /** When time alone may permit more. null: it never does. */
  nextAt: EpochMs | null;
}

/** More than are worked on until the next look; each costs a comparison with those told before it. */
const AWAKENED_MAX = 500;

/** As if each that may begin had begun already, so that no more are told than can go. */
export function awakened(rollout: Rollout, now: EpochMs): Awakened {
  const waiting = rollout.board.members().filter(({ gate }) => gate.kind === "closed");
  if (waiting.length === 0 || rollout.paused) return { names: [], nextAt: null };
  const trial = { ...rollout, board: new RolloutBoard(rollout.board.members()) };
  const names: SandboxName[] = [];
  const moments: EpochMs[] = [];
  for (const member of waiting) {
    if (names.length >= AWAKENED_MAX) return { names, nextAt: now };
    const gate = gateOf(trial, member, now);
    if (gate.kind === "open") trial.board.put(member.name, { ...member, state: "replacing", at: now, gate: OPEN });
    else if (gate.until !== null) moments.push(gate.until);
    if (!isSameWait(member.gate, gate)) names.push(member.name);
  }
  return { names, nextAt: earliest(moments) };
}

/** Who has a turn changes all the time; what a halt or a canary is about is worth a look. */
function isSameWait(before: RolloutGate, after: RolloutGate): boolean {
  if (before.kind === "open" || after.kind === "open") return false;
  return before.reason === after.reason && (after.reason === "turn" || before.message === after.message);
}
