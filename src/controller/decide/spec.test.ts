// Which facts of the host and the engine keep a container from being made as the config says. How files are read is host-folders.ts's.
import { expect, test } from "vitest";
import { desiredOf, FACTS } from "./decide.fixture.ts";
import { resolveSpec } from "./spec.ts";

const strict = desiredOf({ docker: { apparmorProfile: "strict" } });

test("an AppArmor profile on an engine that would ignore it names the key, the profile and the way out", () => {
  const spec = resolveSpec(strict, { ...FACTS, appArmor: false }, null);
  expect(spec).toMatchObject({ kind: "blocked", code: "HostRejected" });
  expect(spec.kind === "blocked" && spec.message).toMatch(/^docker\.apparmorProfile: .*strict.*apparmor=1.*remove the key$/);
});

test("an AppArmor profile is passed on where the engine applies it", () => {
  expect(resolveSpec(strict, FACTS, null)).toMatchObject({ kind: "ready", container: { apparmorProfile: "strict" } });
});

test("an engine without AppArmor makes what names no profile", () => {
  expect(resolveSpec(desiredOf(), { ...FACTS, appArmor: false }, null).kind).toBe("ready");
});
