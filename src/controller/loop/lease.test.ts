// Leases on containers that serve: who gets one, and that both ends of a use are moments of use. Whoever has to wait for one is access.test.ts.
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { MINUTE_MS, toContainerId, toImageId } from "../../api/brands.ts";
import { createFolder } from "../../api/store/folder.fixture.ts";
import { VirtualClock } from "../../api/virtual-clock.fixture.ts";
import { containerOf, desiredOf, INSTANCE, inputOf, NOW } from "../decide/decide.fixture.ts";
import { plan } from "../decide/plan.ts";
import { summarize } from "../decide/status.ts";
import type { OwnedContainer } from "../decide/types.ts";
import { FakeEngine } from "../engine/fake.fixture.ts";
import { FakeWorld } from "../engine/fake-world.fixture.ts";
import { Activity } from "../records/activity.ts";
import { StatusStore } from "../records/status-store.ts";
import { ServingAccess } from "./access.ts";
import { Uses } from "./uses.ts";

const desired = desiredOf();
const { name } = desired;
const ID = containerOf(desired).observation.handle.id;

async function createAccess() {
  const folder = await createFolder();
  const clock = new VirtualClock(NOW);
  const uses = new Uses();
  const activity = await Activity.open({ path: join(folder, "activity.json"), clock, writeFailed: () => undefined });
  onTestFinished(() => activity.stop());
  const statuses = await StatusStore.open({ folder: join(folder, "status"), writeFailed: () => undefined }, NOW);
  const engine = new FakeEngine(new FakeWorld(clock), INSTANCE);
  const enqueued: string[] = [];
  const access = new ServingAccess({
    ...{ clock, engine, commands: engine, statuses, activity, uses },
    suspect: () => void enqueued.push("at once"),
    rested: () => void enqueued.push("within a moment"),
  });
  /** A pass looks, and these containers are there. */
  const look = (...containers: OwnedContainer[]): void => {
    const input = inputOf(desired, containers);
    access.judged(input, plan(input));
  };
  return { access, activity, clock, uses, statuses, look, enqueued };
}

test("a lease holds the container that serves, and no other, until it is released", async () => {
  const { access, uses, look } = await createAccess();
  look(containerOf(desired));
  const lease = await access.lease(name);
  expect([lease.handle.id, uses.isHeld(ID)]).toEqual([ID, true]);
  lease[Symbol.dispose]();
  expect(uses.isHeld(ID)).toBe(false);
});

test("a use is from the beginning of a lease to its end: the hot window begins with the end", async () => {
  const { access, activity, clock, look } = await createAccess();
  look(containerOf(desired));
  const lease = await access.lease(name);
  expect(activity.lastUsedAt(name)).toBe(NOW);
  await clock.advance(10 * MINUTE_MS);
  lease[Symbol.dispose]();
  expect(activity.lastUsedAt(name)).toBe(NOW + 10 * MINUTE_MS);
});

test.each([
  ["within a moment, as the caller has his answer first", {}, "within a moment"],
  ["at once where a change waited for it", { image: { kind: "found", id: toImageId("sha256:new"), user: "", env: {} } }, "at once"],
] as const)("the end of the last use is looked at %s", async (_, edit, when) => {
  const { access, statuses, look, enqueued } = await createAccess();
  look(containerOf(desired));
  const input = inputOf(desired, [containerOf(desired)], edit);
  const { kind, scopeKey, agentId, scope, settings } = desired;
  const described = { kind, scopeKey, agentId, scope, image: settings.docker.image };
  const none = { previous: null, failure: null, servingFailure: null, egressFailure: null, blocker: null };
  statuses.put(summarize(input, plan(input), { ...none, spec: described }));
  const [first, last] = [await access.lease(name), await access.lease(name)];
  first[Symbol.dispose]();
  expect(enqueued).toEqual([]);
  last[Symbol.dispose]();
  expect(enqueued).toEqual([when]);
});

test("what is not ready has no lease, and a use of it that was tried is none", async () => {
  const { access, activity, look } = await createAccess();
  for (const container of [containerOf(desired, { state: "exited" }), containerOf(desired, { state: "paused" })]) {
    look(containerOf(desired));
    look(container);
    await expect(access.lease(name)).rejects.toMatchObject({ code: "NotFound" });
  }
  look(containerOf(desired, { stage: "pending" }));
  await expect(access.lease(name)).rejects.toMatchObject({ code: "NotFound" });
  expect(activity.lastUsedAt(name)).toBeNull();
});

test("a look holds nothing, is no moment of use, and is of what serves or of nothing", async () => {
  const { access, activity, uses, look } = await createAccess();
  look(containerOf(desired));
  const looking = await access.look(name);
  expect([looking.handle.id, looking.isLook, uses.isHeld(ID), activity.lastUsedAt(name)]).toEqual([ID, true, false, null]);
  look();
  for (const late of [looking.next(), access.look(name)]) await expect(late).rejects.toMatchObject({ code: expect.stringMatching(/^Not/) });
});

test("once a pass saw that it serves no more, a container has no lease", async () => {
  const { access, look } = await createAccess();
  look(containerOf(desired));
  expect(access.nameOf(ID)).toBe(name);
  look();
  expect(access.nameOf(ID)).toBeNull();
  await expect(access.lease(name)).rejects.toMatchObject({ code: "NotFound" });
});

test("no lease begins while the container is being stopped, and none that was tried is a use", async () => {
  const { access, activity, uses, look } = await createAccess();
  look(containerOf(desired));
  const seal = uses.seal(ID);
  await expect(access.lease(name)).rejects.toThrow();
  expect([activity.lastUsedAt(name), uses.isHeld(ID)]).toEqual([null, false]);
  seal[Symbol.dispose]();
  (await access.lease(name))[Symbol.dispose]();
  expect(activity.lastUsedAt(name)).toBe(NOW);
});

test("once it was removed, a container has no lease, although no pass has looked since", async () => {
  const { access, uses, look } = await createAccess();
  look(containerOf(desired));
  const seal = uses.seal(ID);
  access.removed(ID);
  seal[Symbol.dispose]();
  await expect(access.lease(name)).rejects.toMatchObject({ code: "NotFound" });
});

test("the end of a use looks through no map of other sandboxes", async () => {
  const { access, look } = await createAccess();
  look(containerOf(desired));
  const lease = await access.lease(name);
  const looks = vi.spyOn(Map.prototype, Symbol.iterator);
  lease[Symbol.dispose]();
  const { length } = looks.mock.calls;
  looks.mockRestore();
  expect(length).toBe(0);
  expect([access.nameOf(ID), access.nameOf(toContainerId("other"))]).toEqual([name, null]);
  access.removed(ID);
  expect(access.nameOf(ID)).toBeNull();
});
