// Whose container it is: by the ledger, or by its labels and its name together; never by labels alone.
import { expect, test } from "vitest";
import { type ContainerId, toContainerId, toInstanceId } from "../../api/brands.ts";
import { containerOf, desiredOf, INSTANCE } from "./decide.fixture.ts";
import type { Observation } from "./observation.ts";
import { isOurs } from "./ownership.ts";

const ID = toContainerId("c1");
const seen = (edit: Partial<Observation> = {}): Observation => containerOf(desiredOf(), edit).observation;
/** What a ledger says of every uid. */
const ledger = (id: ContainerId | null | undefined) => ({ containerOf: () => id });

test("a container that the ledger names is ours under any name", () => {
  for (const stage of ["pending", "current", "renamed"] as const) expect(isOurs(seen({ stage }), INSTANCE, ledger(ID))).toBe(true);
});

test("a container of another controller is not ours, whatever the ledger and its name say", () => {
  expect(isOurs(seen(), toInstanceId("ffffffffffff"), ledger(ID))).toBe(false);
});

test("a copy that has the labels of a container of ours is not ours, also under its name", () => {
  for (const stage of ["pending", "current", "renamed"] as const)
    expect(isOurs(seen({ stage }), INSTANCE, ledger(toContainerId("c2")))).toBe(false);
});

test("what the ledger lost, or never got the id of, is ours by labels and name together, not by labels alone", () => {
  for (const recorded of [undefined, null]) {
    expect(isOurs(seen({ stage: "pending" }), INSTANCE, ledger(recorded))).toBe(true);
    expect(isOurs(seen({ stage: "current" }), INSTANCE, ledger(recorded))).toBe(true);
    expect(isOurs(seen({ stage: "renamed", actualName: "copy" }), INSTANCE, ledger(recorded))).toBe(false);
  }
});
