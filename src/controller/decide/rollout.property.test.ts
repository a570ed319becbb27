// What must hold of every rollout, in whatever order sandboxes are looked at, whoever is in use, and wherever the controller restarts.
import fc from "fast-check";
import { expect, test } from "vitest";
import { later, toDurationMs } from "../../api/brands.ts";
import { Fleet } from "./rollout.fixture.ts";
import type { DesiredSandbox } from "./types.ts";

const settings = fc.record({
  size: fc.integer({ min: 1, max: 8 }),
  canary: fc.integer({ min: 0, max: 3 }),
  maxParallel: fc.option(fc.integer({ min: 1, max: 4 })),
  /** Of who is looked at next. */
  seed: fc.integer({ min: 1, max: 2_147_483_646 }),
  busy: fc.array(fc.nat({ max: 7 }), { maxLength: 4 }),
});
type Settings = typeof settings extends fc.Arbitrary<infer Value> ? Value : never;

const GOOD = "1";
const BAD = "bad";
const blockOf = ({ canary, maxParallel }: Settings, round: string): object => ({
  rollout: { canary, ...(maxParallel !== null && { maxParallel }), hotWindow: "0s" },
  docker: { env: { ROUND: round }, setupCommand: "make", readOnlyRoot: false },
});
const isBad = ({ settings: { docker } }: DesiredSandbox): boolean => docker.env.ROUND === BAD;

function fleetOf(given: Settings): Fleet {
  let chance = given.seed;
  const fleet = new Fleet(given.size, blockOf(given, GOOD), (upTo) => {
    // Lehmer's generator: enough for an order, and the same for the same seed.
    chance = (chance * 48_271) % 2_147_483_647;
    return chance % upTo;
  });
  fleet.isBad = isBad;
  fleet.run(later(fleet.now, toDurationMs(10_000)));
  return fleet;
}

const always = (property: (given: Settings) => void): void => fc.assert(fc.property(settings, property), { numRuns: 60 });
const namesOf = (fleet: Fleet): string[] => [...fleet.residents.keys()];
/** Those that are being replaced, or were by a container that another spec made. */
const begun = (fleet: Fleet, before: ReadonlyMap<string, string>): string[] =>
  namesOf(fleet).filter((name) =>
    (fleet.residents.get(name)?.containers ?? []).some(({ observation }) => observation.handle.id !== before.get(name)),
  );
const idsOf = (fleet: Fleet): Map<string, string> =>
  new Map(namesOf(fleet).map((name) => [name, fleet.serving(name)?.observation.handle.id ?? ""]));

test("everybody gets a good change, woken by nothing but what the decisions ask for", () => {
  always((given) => {
    const fleet = fleetOf(given);
    for (const index of given.busy) if (index < given.size) fleet.use(`sandbox-${index}`, "yes");
    fleet.edit(blockOf(given, "2"));
    fleet.run(later(fleet.now, toDurationMs(60_000)));
    for (const name of namesOf(fleet)) fleet.use(name, "no");
    fleet.run();
    expect(namesOf(fleet).filter((name) => !fleet.isUpToDate(name))).toEqual([]);
  });
});

test("everybody gets a good change although the controller restarts in the middle of it", () => {
  fc.assert(
    fc.property(settings, fc.integer({ min: 0, max: 6_000 }), (given, afterMs) => {
      const fleet = fleetOf(given);
      fleet.edit(blockOf(given, "2"));
      fleet.run(later(fleet.now, toDurationMs(afterMs)));
      fleet.restart();
      fleet.run();
      expect(namesOf(fleet).filter((name) => !fleet.isUpToDate(name))).toEqual([]);
    }),
    { numRuns: 60 },
  );
});

test("before the canaries have proved a change, no other sandbox is touched", () => {
  always((given) => {
    if (given.canary === 0) return;
    const fleet = fleetOf(given);
    const before = idsOf(fleet);
    const editedAt = fleet.now;
    fleet.looked = () => {
      if (fleet.now < editedAt + 2_000) expect(begun(fleet, before).length).toBeLessThanOrEqual(given.canary);
    };
    fleet.edit(blockOf(given, "2"));
    fleet.run();
    expect(begun(fleet, before)).toHaveLength(given.size);
  });
});

test("no more are replaced at the same time than rollout.maxParallel", () => {
  always((given) => {
    const { maxParallel } = given;
    if (maxParallel === null) return;
    const fleet = fleetOf(given);
    fleet.looked = () => {
      const replaced = namesOf(fleet).filter((name) => fleet.residents.get(name)?.containers.length !== 1);
      expect(replaced.length).toBeLessThanOrEqual(maxParallel);
    };
    fleet.edit(blockOf(given, "2"));
    fleet.run();
  });
});

test("a bad change takes no working container, is tried by as many sandboxes as there are canaries, and a good one follows it everywhere", () => {
  always((given) => {
    const fleet = fleetOf(given);
    const before = idsOf(fleet);
    const tried = new Set<string>();
    fleet.looked = () => {
      for (const name of begun(fleet, before)) tried.add(name);
    };
    fleet.edit(blockOf(given, BAD));
    fleet.run(later(fleet.now, toDurationMs(3_600_000)));
    expect(idsOf(fleet)).toEqual(before);
    if (given.canary > 0) expect(tried.size).toBeLessThanOrEqual(given.canary);
    const waiting = namesOf(fleet).filter((name) => !tried.has(name));
    expect(waiting.map((name) => fleet.reasonOf(name))).toEqual(waiting.map(() => "RolloutHalted"));
    fleet.restart();
    fleet.run(later(fleet.now, toDurationMs(3_600_000)));
    if (given.canary > 0) expect(tried.size).toBeLessThanOrEqual(given.canary);
    fleet.edit(blockOf(given, "3"));
    fleet.run();
    expect(namesOf(fleet).filter((name) => !fleet.isUpToDate(name))).toEqual([]);
  });
});

test("while a person pauses, no working container is replaced, and afterwards every one is", () => {
  always((given) => {
    const fleet = fleetOf(given);
    const before = idsOf(fleet);
    fleet.rollout = { ...fleet.rollout, paused: true };
    fleet.edit(blockOf(given, "2"));
    fleet.run();
    expect(begun(fleet, before)).toEqual([]);
    fleet.rollout = { ...fleet.rollout, paused: false };
    fleet.hearAll();
    fleet.run();
    expect(namesOf(fleet).filter((name) => !fleet.isUpToDate(name))).toEqual([]);
  });
});

test("one that is in use is never the first to get a change, and never loses its container", () => {
  always((given) => {
    const fleet = fleetOf(given);
    const busy = new Set(given.busy.filter((index) => index < given.size).map((index) => `sandbox-${index}`));
    const before = idsOf(fleet);
    for (const name of busy) fleet.use(name, "yes");
    fleet.edit(blockOf(given, "2"));
    fleet.run(later(fleet.now, toDurationMs(600_000)));
    for (const name of busy) expect(fleet.serving(name)?.observation.handle.id).toBe(before.get(name));
    expect(namesOf(fleet).filter((name) => !busy.has(name) && !fleet.isUpToDate(name))).toEqual([]);
  });
});
