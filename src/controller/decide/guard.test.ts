// When removals are too many at once, what waits then, and what ends the wait: single cases, then whatever may happen in a day.
import fc from "fast-check";
import { expect, test } from "vitest";
import { type EpochMs, MINUTE_MS, type SandboxName, toEpochMs, toSandboxName, toScopeKey, toSessionKey } from "../../api/brands.ts";
import { desiredOf, NOW, wantedOf } from "./decide.fixture.ts";
import { BRAKE_WINDOW_MS, type Guarded, guard, isSlip, type Member } from "./guard.ts";
import type { Evidence, Want } from "./types.ts";

const DESIRED = desiredOf();
const STAYS = wantedOf(DESIRED);
const unwanted = (evidence: Evidence): Want => ({ kind: "unwanted", evidence, because: "nothing asks for it", hotWindowMs: 0 });
const CUT = unwanted({ kind: "config", says: "the config has no such agent" });
const ENDED = unwanted({ kind: "session-ended", sessionKey: toSessionKey("agent:main:a"), endedAt: NOW });
const IDLE = unwanted({ kind: "idle", since: NOW, idleHours: 1 });
const UNKNOWN: Want = { kind: "unknown", because: "its folder can't be read" };

const nameAt = (index: number): SandboxName => toSandboxName(`sandbox-${index}`);

function memberOf(name: SandboxName, edit: Partial<Member> = {}): Member {
  return {
    name,
    kind: "tools",
    scopeKey: toScopeKey(`agent:${name}`),
    createdAt: NOW,
    hasEnded: false,
    isLate: false,
    goneAt: null,
    heldSince: null,
    ...edit,
  };
}

const membersOf = (count: number): Member[] => Array.from({ length: count }, (_, index) => memberOf(nameAt(index)));

interface Asked {
  at?: EpochMs;
  approvals?: ReadonlyMap<SandboxName, EpochMs>;
}

/** The first `wants.length` sandboxes are wanted like that, the rest stay. */
function ask(members: readonly Member[], wants: readonly Want[], { at = NOW, approvals = new Map() }: Asked = {}): Guarded {
  const byName = new Map(wants.map((want, index) => [nameAt(index), want]));
  return guard(members, {
    now: at,
    wantOf: ({ name }) => byName.get(name) ?? STAYS,
    approvalFor: (name) => approvals.get(name) ?? null,
  });
}

const times = (count: number, want: Want): Want[] => Array.from({ length: count }, () => want);
const held = (guarded: Guarded): string[] => [...guarded.held.keys()].sort();
const minutes = (count: number): EpochMs => toEpochMs(NOW + count * MINUTE_MS);

test.each([
  [3, 3, 0],
  [4, 2, 0],
  [4, 3, 3],
  [5, 2, 0],
  [5, 3, 3],
  [100, 50, 0],
  [100, 51, 51],
])("of %i sandboxes %i would go: %i wait", (live, cut, waiting) => {
  expect(ask(membersOf(live), times(cut, CUT)).held.size).toBe(waiting);
});

test("what ends by itself never waits, however much of it there is", () => {
  for (const want of [ENDED, IDLE]) expect(ask(membersOf(8), times(8, want)).held.size).toBe(0);
  expect(held(ask(membersOf(8), [...times(6, ENDED), CUT]))).toEqual([]);
});

test("a session that ended has ended, also when its file is cleaned up before its sandbox is gone", () => {
  const { members } = ask(membersOf(8), times(6, ENDED));
  expect(held(ask(members, times(6, CUT)))).toEqual([]);
  const gone = members.map((member) => ({ ...member, goneAt: NOW }));
  expect(ask(gone, times(6, CUT)).members).toHaveLength(2);
  const back = ask(members, times(6, STAYS));
  expect(held(ask(back.members, times(6, CUT)))).toHaveLength(6);
});

test("removals that trickle in within the window are one", () => {
  let { members } = ask(membersOf(6), times(3, CUT));
  members = members.map((member, index) => (index < 3 ? { ...member, goneAt: minutes(1) } : member));
  const fourth = ask(members, times(4, CUT), { at: minutes(30) });
  expect(held(fourth)).toEqual(["sandbox-3"]);
  expect([fourth.removals, fourth.of]).toEqual([4, 6]);
  expect(held(ask(members, times(4, CUT), { at: toEpochMs(minutes(2) + BRAKE_WINDOW_MS) }))).toEqual([]);
});

test("time and new sandboxes let nothing through that waits", () => {
  const { members } = ask(membersOf(4), times(4, CUT));
  const crowd = Array.from({ length: 20 }, (_, index) => memberOf(nameAt(100 + index), { isLate: true }));
  const later = ask([...members, ...crowd], times(4, CUT), { at: toEpochMs(NOW + 100 * BRAKE_WINDOW_MS) });
  expect(held(later)).toHaveLength(4);
});

test("a cause that is undone ends the wait, of all when what is left is an everyday edit", () => {
  const { members } = ask(membersOf(8), times(6, CUT));
  expect(held(ask(members, [STAYS, ...times(5, CUT)]))).toHaveLength(5);
  expect(held(ask(members, [...times(2, STAYS), ...times(4, CUT)]))).toEqual([]);
  expect(ask(members, []).members.map(({ heldSince }) => heldSince)).toEqual(times(8, STAYS).map(() => null));
});

test("what can't be told any more goes on waiting", () => {
  const { members } = ask(membersOf(4), times(4, CUT));
  expect(held(ask(members, times(4, UNKNOWN)))).toHaveLength(4);
  expect(ask(membersOf(4), times(4, UNKNOWN)).held.size).toBe(0);
});

test("an approval lets through exactly the waits that it names", () => {
  const first = ask(membersOf(8), times(5, CUT));
  const approvals = new Map([...first.held].map(([name, { since }]) => [name, since]));
  const second = ask(first.members, times(6, CUT), { at: minutes(1), approvals });
  expect(held(second)).toEqual(["sandbox-5"]);
  const all = new Map([...approvals, [nameAt(5), minutes(1)]]);
  expect(held(ask(second.members, times(6, CUT), { at: minutes(2), approvals: all }))).toEqual([]);
  const older = new Map([...approvals].map(([name, since]) => [name, toEpochMs(since - 1)]));
  expect(held(ask(first.members, times(5, CUT), { approvals: older }))).toHaveLength(5);
});

test("a wait is named by the moment at which it began, however often it is looked at", () => {
  const first = ask(membersOf(4), times(4, CUT));
  const second = ask(first.members, times(4, CUT), { at: minutes(5) });
  expect([...second.held.values()].map(({ since }) => since)).toEqual([NOW, NOW, NOW, NOW]);
});

test("once an approved removal is over and its window too, a small one is everyday again", () => {
  const first = ask(membersOf(10), times(6, CUT));
  const approvals = new Map([...first.held].map(([name, { since }]) => [name, since]));
  const made = ask(first.members, times(6, CUT), { approvals }).members.map((member, index) =>
    index < 6 ? { ...member, goneAt: minutes(1) } : member,
  );
  expect(held(ask(made, times(7, CUT), { approvals, at: minutes(2) }))).toEqual(["sandbox-6"]);
  expect(held(ask(made, times(7, CUT), { approvals, at: toEpochMs(minutes(2) + BRAKE_WINDOW_MS) }))).toEqual([]);
});

test("a sandbox that came back and goes again needs another approval", () => {
  const first = ask(membersOf(4), times(4, CUT));
  const approvals = new Map([...first.held].map(([name, { since }]) => [name, since]));
  const back = ask(first.members, [], { approvals, at: minutes(1) });
  expect(held(ask(back.members, times(4, CUT), { approvals, at: minutes(2) }))).toHaveLength(4);
});

test("removals that waited and were made by hand are over", () => {
  const { members } = ask(membersOf(4), times(4, CUT));
  const some = members.map((member, index) => (index === 0 ? { ...member, goneAt: minutes(1) } : member));
  expect(held(ask(some, times(4, CUT), { at: minutes(1) }))).toHaveLength(3);
  const none = members.map((member) => ({ ...member, goneAt: minutes(1) }));
  const after = ask(none, times(4, CUT), { at: toEpochMs(minutes(2) + BRAKE_WINDOW_MS) });
  expect([after.held.size, after.members.length]).toEqual([0, 0]);
});

// ---- whatever may happen ---------------------------------------------------------------------------------------------------

type Step =
  | { kind: "cut" | "restore" | "end" | "appear"; who: number[] }
  | { kind: "pass"; who: number[] }
  | { kind: "time"; minutes: number }
  | { kind: "restart" };

const PEOPLE = 9;
const who = fc.uniqueArray(fc.nat({ max: PEOPLE - 1 }), { minLength: 1, maxLength: PEOPLE });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constantFrom("cut" as const, "restore" as const, "end" as const, "appear" as const), who }),
  fc.record({ kind: fc.constant("pass" as const), who }),
  fc.record({ kind: fc.constant("time" as const), minutes: fc.constantFrom(1, 20, 61) }),
  fc.constant<Step>({ kind: "restart" }),
);

/** A world in which passes do what the guard lets them do. It remembers everything itself, to judge by. */
class World {
  now = NOW;
  members: Member[] = [];
  readonly wants = new Map<SandboxName, Want>();
  readonly live = new Set<SandboxName>();
  /** When each was last seen alive, and those of them that were cut off. */
  readonly lastAlive = new Map<SandboxName, EpochMs>();
  readonly cutAt = new Map<SandboxName, EpochMs>();

  isBraking = false;

  look(): Guarded {
    for (const name of this.live) {
      this.lastAlive.set(name, this.now);
      const known = this.members.find((member) => member.name === name);
      if (known === undefined) this.members.push(memberOf(name, { isLate: this.isBraking }));
      else known.goneAt = null;
    }
    const guarded = guard(this.members, { now: this.now, wantOf: ({ name }) => this.wants.get(name) ?? CUT, approvalFor: () => null });
    this.members = guarded.members;
    this.isBraking = guarded.held.size > 0;
    return guarded;
  }

  pass(name: SandboxName): void {
    const want = this.wants.get(name) ?? CUT;
    if (want.kind === "wanted") this.live.add(name);
    if (want.kind !== "unwanted" || !this.live.has(name) || this.look().held.has(name)) return;
    this.live.delete(name);
    const member = this.members.find((one) => one.name === name);
    if (member !== undefined) member.goneAt = this.now;
    if (!isSlip(want.evidence)) return void this.lastAlive.delete(name);
    this.cutAt.set(name, this.now);
    this.judge();
  }

  /** Of what lived within the window and did not end by itself, not more than half was cut off within it. */
  judge(): void {
    const within = ([, at]: [SandboxName, EpochMs]): boolean => this.now - at <= BRAKE_WINDOW_MS;
    const lived = [...this.lastAlive].filter((one) => within(one) && this.wants.get(one[0]) !== ENDED);
    const cut = [...this.cutAt].filter(within);
    if (lived.length >= 4) expect(cut.length, "more than half went without a person's agreement").toBeLessThanOrEqual(lived.length / 2);
  }

  do(one: Step): void {
    switch (one.kind) {
      case "time":
        this.now = toEpochMs(this.now + one.minutes * MINUTE_MS);
        break;
      case "restart":
        this.members = JSON.parse(JSON.stringify(this.members));
        break;
      case "pass":
        for (const index of one.who) this.pass(nameAt(index));
        break;
      default: {
        const want = { cut: CUT, end: ENDED, restore: STAYS, appear: STAYS }[one.kind];
        for (const index of one.who) {
          const name = nameAt(index);
          // What ended stays ended until somebody asks for it again.
          const isOver = one.kind === "cut" ? this.wants.get(name) === ENDED : one.kind === "end" && !this.live.has(name);
          if (!isOver) this.wants.set(name, want);
          if (want === STAYS) this.cutAt.delete(name);
          if (one.kind === "appear") this.pass(name);
        }
      }
    }
    this.look();
  }
}

test("a working sandbox never goes because of a removal of more than half that nobody approved", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const world = new World();
      for (const one of steps) world.do(one);
    }),
    { numRuns: 3_000 },
  );
});

test("what waits goes on waiting through anything but an approval, a return, an end of its own or a removal by hand", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const world = new World();
      for (const one of steps) {
        const before = world.look().held;
        world.do(one);
        if (one.kind !== "time" && one.kind !== "restart" && one.kind !== "pass") continue;
        const after = world.look().held;
        for (const name of before.keys()) expect(after.has(name)).toBe(true);
      }
    }),
    { numRuns: 1_500 },
  );
});
