// Uses through the product's own servers, and stops: neither begins while the other is under way.
import { expect, test } from "vitest";
import { toContainerId } from "../../api/brands.ts";
import { Uses } from "./uses.ts";

const ID = toContainerId("c1");

function createUses() {
  const ended: string[] = [];
  const uses = new Uses();
  uses.onEnded((id) => ended.push(id));
  return { ended, uses };
}

test("a container is in use from the first use to the end of the last, and the end is reported once", () => {
  const { uses, ended } = createUses();
  const [first, second] = [uses.hold(ID), uses.hold(ID)];
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  expect([uses.isHeld(ID), uses.countOf(ID), uses.count, ended]).toEqual([true, 1, 1, []]);
  second[Symbol.dispose]();
  second[Symbol.dispose]();
  expect([uses.isHeld(ID), uses.count, ended]).toEqual([false, 0, [ID]]);
});

test("no use begins while the container is being stopped, and others are not concerned", () => {
  const { uses } = createUses();
  const seal = uses.seal(ID);
  expect(() => uses.hold(ID)).toThrow(/being replaced/);
  expect(uses.isHeld(ID)).toBe(false);
  uses.hold(toContainerId("c2"))[Symbol.dispose]();
  seal[Symbol.dispose]();
  uses.hold(ID)[Symbol.dispose]();
});

test("a use that ends while its container is being stopped lets no other one begin", () => {
  const { uses } = createUses();
  const hold = uses.hold(ID);
  const seal = uses.seal(ID);
  hold[Symbol.dispose]();
  expect(() => uses.hold(ID)).toThrow(/being replaced/);
  seal[Symbol.dispose]();
  uses.hold(ID)[Symbol.dispose]();
});

test("a stop that is given up leaves the uses that there are, and lets others begin", () => {
  const { uses } = createUses();
  const hold = uses.hold(ID);
  uses.seal(ID)[Symbol.dispose]();
  expect(uses.countOf(ID)).toBe(1);
  expect(() => uses.hold(ID)).not.toThrow();
  expect(uses.countOf(ID)).toBe(2);
  expect(hold.revoked.aborted).toBe(false);
});

test("every use of a container that goes is told, and why; no other use is", () => {
  const { uses } = createUses();
  const [first, second, other] = [uses.hold(ID), uses.hold(ID), uses.hold(toContainerId("c2"))];
  uses.revoke(ID, "its recreation was requested");
  for (const { revoked } of [first, second]) expect(String(revoked.reason)).toContain("its recreation was requested");
  expect(other.revoked.aborted).toBe(false);
});

test("who waits for a stop to be over is told when it is, and where there is none need not wait", async () => {
  const { uses } = createUses();
  expect(uses.stopOf(ID)).toBeNull();
  const seal = uses.seal(ID);
  let isOver = false;
  void uses.stopOf(ID)?.then(() => {
    isOver = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(isOver).toBe(false);
  seal[Symbol.dispose]();
  await new Promise((resolve) => setImmediate(resolve));
  expect([isOver, uses.stopOf(ID)]).toEqual([true, null]);
});
