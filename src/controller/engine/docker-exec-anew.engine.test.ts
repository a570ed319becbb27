// Commands that the engine begins: the first in a container, and whatever no exec waits for.
import { test } from "vitest";
import { describeExec } from "./docker-exec.fixture.ts";

if (process.env.OPENCLAW_TEST_LONG === "1") describeExec("anew");
else {
  test("commands that the engine begins pass the same tests", ({ skip }) =>
    skip("OPENCLAW_TEST_LONG=1 runs them; docker-prestart.engine.test.ts compares both ways"));
}
