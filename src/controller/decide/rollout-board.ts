// Where each sandbox stands with its newest change, counted by change, so that a query over ten thousand sandboxes costs only what is in progress.
// It decides nothing and knows no clock: what the counts permit is rollout.ts's.
import { type DurationMs, type EpochMs, later, type SandboxName, SECOND_MS } from "../../api/brands.ts";
import type { RolloutComplete } from "../../api/config/schema-sandbox.ts";
import type { ChangePart } from "../../api/sandbox.ts";
import type { RolloutGate } from "./types.ts";

/** What can't stay up ends within a moment: only after this is a container that runs a sign that a change is good. */
export const PROVING_MS = (2 * SECOND_MS) as DurationMs;

/** One sandbox that has, gets or waits for a change. */
export interface RolloutMember {
  name: SandboxName;
  /** What is new: empty when the same spec is made once more. */
  parts: readonly ChangePart[];
  /** `settling`: its new container has the name and does not serve yet, or not again. */
  state: "waiting" | "replacing" | "settling" | "serving";
  /** Since when it has had to be replaced. */
  since: EpochMs;
  /** When it began to be in this state, as far as this process has seen. */
  at: EpochMs;
  /** How the last attempt failed. null: it did not. */
  failure: string | null;
  /** Work lives in it, or may. */
  busy: boolean;
  /** It would be replaced by itself as soon as it may: neither pinned nor kept by the host. */
  willing: boolean;
  /** A person wants this very sandbox replaced. */
  asked: boolean;
  /** What keeps a willing one. */
  gate: RolloutGate;
  settings: Pick<RolloutComplete, "canary" | "maxParallel" | "progressDeadline">;
}

/** Those that concern one new value of one key. */
export interface Tally {
  /** Being replaced or settling. */
  active: Map<SandboxName, RolloutMember>;
  /** They serve; for how long tells whether they prove anything. */
  serving: Map<SandboxName, RolloutMember>;
  failed: Map<SandboxName, RolloutMember>;
  /** Waiting, with no work in them. */
  idle: Map<SandboxName, RolloutMember>;
}

const NOBODY: Tally = { active: new Map(), serving: new Map(), failed: new Map(), idle: new Map() };

export class RolloutBoard {
  readonly #members = new Map<SandboxName, RolloutMember>();
  readonly #tallies = new Map<string, Tally>();
  readonly #active = new Map<SandboxName, RolloutMember>();

  constructor(members: Iterable<RolloutMember> = []) {
    for (const member of members) this.put(member.name, member);
  }

  get(name: SandboxName): RolloutMember | null {
    return this.#members.get(name) ?? null;
  }

  members(): readonly RolloutMember[] {
    return [...this.#members.values()];
  }

  /** All that are being replaced or settle, whatever the change. */
  get active(): ReadonlyMap<SandboxName, RolloutMember> {
    return this.#active;
  }

  tally(part: ChangePart): Readonly<Tally> {
    return this.#tallies.get(part.id) ?? NOBODY;
  }

  /** @param member null: it takes part in nothing */
  put(name: SandboxName, member: RolloutMember | null): void {
    const before = this.#members.get(name);
    for (const part of before?.parts ?? []) this.#leave(part.id, name);
    this.#active.delete(name);
    if (member === null) {
      this.#members.delete(name);
      return;
    }
    this.#members.set(name, member);
    if (isActive(member)) this.#active.set(name, member);
    for (const part of member.parts) this.#join(part.id, member);
  }

  #join(id: string, member: RolloutMember): void {
    const tally = this.#tallies.get(id) ?? { active: new Map(), serving: new Map(), failed: new Map(), idle: new Map() };
    this.#tallies.set(id, tally);
    const { name } = member;
    if (member.failure !== null) tally.failed.set(name, member);
    if (isActive(member)) tally.active.set(name, member);
    if (member.state === "serving" && member.failure === null) tally.serving.set(name, member);
    if (member.state === "waiting" && member.willing && !member.busy && member.failure === null) tally.idle.set(name, member);
  }

  #leave(id: string, name: SandboxName): void {
    const tally = this.#tallies.get(id);
    if (tally === undefined) return;
    const all = [tally.active, tally.serving, tally.failed, tally.idle];
    for (const each of all) each.delete(name);
    if (all.every(({ size }) => size === 0)) this.#tallies.delete(id);
  }
}

const isActive = ({ state }: RolloutMember): boolean => state === "replacing" || state === "settling";

export const deadlineOf = ({ at, settings }: RolloutMember): EpochMs => later(at, settings.progressDeadline as DurationMs);

/** It should have been ready by now. */
export const isStuck = (member: RolloutMember, now: EpochMs): boolean => isActive(member) && now >= deadlineOf(member);

/** When a container that serves begins to prove its change. */
export const provesAt = ({ at }: RolloutMember): EpochMs => later(at, PROVING_MS);
