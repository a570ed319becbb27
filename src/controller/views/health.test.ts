// What the controller says of itself before it has met its engine. What it says afterwards is engine-failures.engine.test.ts's.
import { expect, test } from "vitest";
import { toEpochMs } from "../../api/brands.ts";
import { Health } from "./health.ts";

test("before the engine has answered no instance is told: in a container it would be another one", () => {
  const health = new Health({ version: "1", stateDir: "/state", startedAt: toEpochMs(0), configPath: "/state/openclaw.json" });
  expect(health.view()).toMatchObject({ instance: null, engine: null, ready: false, config: { ok: false } });
});
