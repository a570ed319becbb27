// How often a gateway can make the doctor look, and what it is told in between.
import { expect, test } from "vitest";
import { toEpochMs } from "../../api/brands.ts";
import { OperationError } from "../../api/errors.ts";
import { fail } from "../../api/finding.ts";
import type { UnownedObject } from "../../api/wire.ts";
import { doctorRoutes } from "./routes-doctor.ts";

const UNOWNED: UnownedObject = { kind: "volume", name: "left", because: "no sandbox has it", fate: "removable", size: null };

function open() {
  const time = { at: 1_000_000 };
  const looks: number[] = [];
  const world = { leaks: async (): Promise<UnownedObject[]> => [UNOWNED] };
  const views = {
    doctor: async () => {
      looks.push(time.at);
      return { findings: [fail("runc", `looked ${looks.length} times`, "upgrade it")] };
    },
    unowned: async () => await world.leaks(),
  };
  const routes = doctorRoutes(views, { now: () => toEpochMs(time.at) });
  return { time, looks, world, ask: async (): Promise<unknown> => await (await routes.request("/doctor")).json() };
}

test("the machine is looked at once a minute at most, and a report says when", async () => {
  const { time, looks, ask } = open();
  const [first, second] = await Promise.all([ask(), ask()]);
  expect(first).toMatchObject({ at: 1_000_000, findings: [{ message: "looked 1 times", fix: "upgrade it" }], unowned: [UNOWNED] });
  expect(second).toEqual(first);
  time.at += 59_999;
  expect(await ask()).toEqual(first);
  expect(looks).toHaveLength(1);
  time.at += 1;
  expect(await ask()).toMatchObject({ at: 1_060_000, findings: [{ message: "looked 2 times" }] });
});

test("an engine that can't say what is unowned keeps nobody from the findings", async () => {
  const { world, ask } = open();
  world.leaks = async () => {
    throw new OperationError("EngineUnreachable", "the engine does not answer");
  };
  expect(await ask()).toMatchObject({ findings: [{ check: "runc" }], unowned: [] });
});
