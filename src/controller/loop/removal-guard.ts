// Remembers which sandboxes exist and holds removals that are too many at once, until they are approved or their cause is gone.
// What counts as too many, and what ends the wait, is decided in decide/guard.ts; the pass stops containers.
import type { Logger } from "pino";
import { z } from "zod";
import {
  type EpochMs,
  elapsed,
  type InstanceId,
  type SandboxName,
  SECOND_MS,
  toEpochMs,
  toSandboxName,
  toScopeKey,
} from "../../api/brands.ts";
import { OperationError } from "../../api/errors.ts";
import { toPendingName } from "../../api/names.ts";
import { readBounded, replaceFile } from "../../api/store/atomic-file.ts";
import type { HeldView } from "../../api/wire.ts";
import { type Guarded, type GuardFacts, guard, isSlip, type Member } from "../decide/guard.ts";
import type { Want } from "../decide/types.ts";
import type { Listed } from "../engine/engine.ts";
import type { Activity } from "../records/activity.ts";
import type { EventLog } from "../records/event-log.ts";
import type { Ledger } from "../records/ledger.ts";
import type { DesiredState } from "../sources/desired-state.ts";

/** Ten thousand members of under 400 bytes each. */
const FILE_BYTES_MAX = 4_194_304;
/** What only time changes is seen within this. */
const FRESH_MS = 10 * SECOND_MS;

const Time = z.int().transform(toEpochMs);
const GuardFile = z.strictObject({
  members: z.array(
    z.strictObject({
      name: z.string().transform(toSandboxName),
      /** Absent: written before there were browsers. */
      kind: z.enum(["tools", "browser"]).default("tools"),
      scopeKey: z.string().transform(toScopeKey),
      createdAt: Time,
      hasEnded: z.boolean(),
      isLate: z.boolean(),
      goneAt: Time.nullable(),
      heldSince: Time.nullable(),
    }),
  ),
});

/** The container of a sandbox that is more than half made. */
export type Resident = Pick<Member, "kind" | "scopeKey" | "createdAt">;

/** What each pass asks before it believes that a sandbox may go. */
export interface RemovalGate {
  /** @param resident what was seen of the sandbox just now; null: it has no container. @throws OperationError when it can't be written down */
  pass(name: SandboxName, want: Want, resident: Resident | null): Promise<Want>;
}

export interface RemovalGuardParts {
  /** `<state>/controller/brake.json` */
  path: string;
  instance: InstanceId;
  now(): EpochMs;
  desired: DesiredState;
  activity: Activity;
  ledger: Ledger;
  events: EventLog;
  log: Logger;
  /** How many removals wait. */
  counted(held: number): void;
  /** Whether the removal of these waits is another answer than before. */
  changed(names: readonly SandboxName[]): void;
}

const RELEASED: Guarded = { members: [], held: new Map(), removals: 0, of: 0 };

export class RemovalGuard implements RemovalGate {
  readonly #parts: RemovalGuardParts;
  #members: Map<SandboxName, Member>;
  #guarded: Guarded = RELEASED;
  /** Whether every container was listed once: before that nobody knows of how many a removal is one. */
  #loaded = false;
  #appliedAt: { revision: number; at: EpochMs } | null = null;
  /** Whether the file lacks something that a restart would miss. */
  #unwritten = false;
  /** Whether the newest write succeeded, once it ended. */
  #writing: Promise<boolean> = Promise.resolve(true);

  /** @param remembered null: its file could not be understood; then what the engine has is all that is known */
  constructor(parts: RemovalGuardParts, remembered: readonly Member[] | null) {
    this.#parts = parts;
    const members = remembered ?? [];
    this.#members = new Map(members.map((member) => [member.name, member]));
    // What waited before the restart goes on waiting, and is not told again.
    const waiting = members.filter(({ heldSince, goneAt }) => heldSince !== null && goneAt === null);
    const held = new Map(waiting.map(({ name, heldSince }) => [name, { because: "", since: heldSince ?? parts.now() }]));
    this.#guarded = { ...RELEASED, held };
  }

  /** Every container of this instance, listed completely. */
  listed(all: readonly Listed[]): void {
    const { ledger } = this.#parts;
    const residents = all.filter(
      ({ id, name, actualName }) => actualName !== toPendingName(name) && (actualName === name || ledger.byContainerId(id) !== undefined),
    );
    for (const { name, kind, scopeKey, createdAt } of residents) this.#join(name, { kind, scopeKey, createdAt });
    if (this.#loaded) return;
    this.#loaded = true;
    const names = new Set(residents.map(({ name }) => name));
    for (const name of this.#members.keys()) if (!names.has(name)) this.#leave(name, null);
  }

  async pass(name: SandboxName, want: Want, resident: Resident | null): Promise<Want> {
    if (resident === null) this.#leave(name, want);
    else if (this.#join(name, resident) && isRemoval(want)) this.#appliedAt = null;
    this.#refresh(name);
    if (resident === null || !isRemoval(want)) {
      // Nothing is made under a desired state whose removals wait before that is written down.
      await this.#writing;
      return want;
    }
    if (!this.#loaded) return { kind: "unknown", because: "not all containers have been listed yet" };
    const held = toHeld(this.#guarded, name, want);
    if (held === null) await this.#mustWrite();
    return held ?? want;
  }

  /** The same question under another desired state, for a dry run: nothing is remembered. */
  under(desired: DesiredState): RemovalGate {
    const guarded = guard([...this.#members.values()], this.#facts(desired));
    return { pass: async (name, want, resident) => (resident === null ? want : (toHeld(guarded, name, want) ?? want)) };
  }

  holds(name: SandboxName): boolean {
    return this.#guarded.held.has(name);
  }

  view(): HeldView {
    const { held, removals, of } = this.#guarded;
    const items = [...held].map(([name, one]) => ({ name, scopeKey: this.#members.get(name)?.scopeKey ?? "", ...one }));
    return { items: items.sort((left, right) => (left.name < right.name ? -1 : 1)), removals, of };
  }

  /** @returns whether it was not here before */
  #join(name: SandboxName, { kind, scopeKey, createdAt }: Resident): boolean {
    const known = this.#members.get(name);
    if (known !== undefined && known.goneAt === null) return false;
    const member = known ?? { name, hasEnded: false, isLate: this.#guarded.held.size > 0, heldSince: null };
    this.#members.set(name, { ...member, kind, scopeKey, createdAt, goneAt: null });
    this.#unwritten = true;
    return true;
  }

  /** Not written down: after a restart the listing shows it. @param want null: not known */
  #leave(name: SandboxName, want: Want | null): void {
    const known = this.#members.get(name);
    if (want?.kind === "unwanted" && !isSlip(want.evidence)) this.#members.delete(name);
    else if (known?.goneAt === null) this.#members.set(name, { ...known, goneAt: this.#parts.now() });
  }

  #facts(desired: DesiredState): GuardFacts {
    const { activity, now: clock } = this.#parts;
    const now = clock();
    return {
      now,
      wantOf: ({ name, kind, scopeKey, createdAt }) => {
        const lastUsedAt = activity.lastUsedAt(name);
        return desired.want(name, { name, kind, scopeKey, createdAt, lastUsedAt }, now);
      },
      approvalFor: (name) => desired.approvalFor(name),
    };
  }

  /** Decides anew when desired state or a member changed, or time has passed. @param asking is answered at once */
  #refresh(asking: SandboxName): void {
    const { desired, now, counted, changed } = this.#parts;
    const { revision } = desired;
    const isFresh = this.#appliedAt?.revision === revision && elapsed(this.#appliedAt.at, now()) < FRESH_MS;
    if (isFresh || !this.#loaded || !desired.loaded) return;
    this.#appliedAt = { revision, at: now() };
    const before = this.#guarded;
    // A change of one of ten thousand sessions costs no decision about all of them.
    if (before.held.size === 0 && this.#members.values().every((member) => isCalm(member, desired))) return;
    this.#guarded = guard([...this.#members.values()], this.#facts(desired));
    this.#members = new Map(this.#guarded.members.map((member) => [member.name, member]));
    const { held } = this.#guarded;
    counted(held.size);
    const names = [...new Set([...before.held.keys(), ...held.keys()])].filter((name) => before.held.has(name) !== held.has(name));
    if (names.length === 0) return;
    this.#unwritten = true;
    void this.#write();
    this.#tell(before);
    changed(names.filter((name) => name !== asking));
  }

  #tell(before: Guarded): void {
    const { log, events, instance, desired } = this.#parts;
    const { held } = this.#guarded;
    const record = (type: "Normal" | "Warning", reason: string, message: string): void =>
      void events.record({ type, reason, message, object: { kind: "Controller", name: instance } });
    if (before.held.size === 0) {
      const [first] = held.values();
      const message = `${renderCount(this.#guarded)} (${first?.because ?? ""}, for one)`;
      log.error({ held: held.size, fix: APPROVE }, "too many removals at once; awaiting approval");
      return record("Warning", "MassRemovalHeld", message);
    }
    if (held.size > 0) return;
    const approved = [...before.held].some(([name, { since }]) => desired.approvalFor(name) === since);
    log.info({ approved }, "no removals are awaiting approval any more");
    if (approved) record("Normal", "MassRemovalApproved", "the held removals were approved");
    else record("Normal", "MassRemovalWithdrawn", "the held removals are no longer needed");
  }

  /** One write at a time, always of the newest. */
  #write(): Promise<boolean> {
    this.#writing = this.#writing.then(async () => {
      if (!this.#unwritten) return true;
      this.#unwritten = false;
      try {
        const content = `${JSON.stringify({ members: [...this.#members.values()] })}\n`;
        await replaceFile(this.#parts.path, content, { durable: true });
        return true;
      } catch (error) {
        this.#unwritten = true;
        this.#parts.log.error({ err: error }, "the mass-removal guard's record was not written");
        return false;
      }
    });
    return this.#writing;
  }

  /** A removal is remembered before it is made: those that come after it count it. */
  async #mustWrite(): Promise<void> {
    const written = await (this.#unwritten ? this.#write() : this.#writing);
    if (!written) throw new OperationError("HostRejected", `${this.#parts.path} can't be written; nothing is removed until it can be`);
  }
}

/** Wanted as ever: deciding would change nothing about it. */
const isCalm = ({ name, hasEnded, heldSince }: Member, desired: DesiredState): boolean =>
  desired.has(name) && !hasEnded && heldSince === null;

const isRemoval = (want: Want): boolean => want.kind === "unwanted" && isSlip(want.evidence);

const APPROVE = "openclaw sandbox approve";

const renderCount = ({ removals, of }: Guarded): string =>
  `${removals} of ${of} sandboxes would be removed at once; waiting for the cause to be corrected, or for approval: ${APPROVE}`;

function toHeld(guarded: Guarded, name: SandboxName, want: Want): Want | null {
  const held = guarded.held.get(name);
  if (held === undefined || want.kind === "wanted") return null;
  return { kind: "held", because: want.because, message: `${want.because}; ${renderCount(guarded)}` };
}

/** Who lived here when the controller ended. null: the file is not one that #write wrote. Never throws. */
export async function readMembers(path: string): Promise<readonly Member[] | null> {
  const read = await readBounded(path, FILE_BYTES_MAX);
  if (read.kind === "missing") return [];
  try {
    return read.kind === "read" ? GuardFile.parse(JSON.parse(read.text)).members : null;
  } catch {
    return null;
  }
}
