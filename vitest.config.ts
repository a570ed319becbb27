// Two projects: `unit` needs nothing but Node, `engine` (*.engine.test.ts) needs a container engine and the sandbox image.
// Unit tests run first: they are fast, and a broken decision makes every engine test fail for the same reason.
import { createHash } from "node:crypto";
import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { TallyReporter } from "./test/tally-reporter.ts";

const SECOND_MS = 1000;
/** What engine tests build from this checkout has tags of its own: the usual ones are a person's, and another checkout's. */
const CHECKOUT = createHash("sha256")
  .update(import.meta.dirname)
  .digest("hex")
  .slice(0, 8);
const IMAGES = { OPENCLAW_IMAGE: `openclaw:test-${CHECKOUT}`, OPENCLAW_EGRESS_IMAGE: `openclaw-egress:test-${CHECKOUT}` };

export default defineConfig({
  test: {
    // A second, as it comes, is missed by a machine that is busy.
    expect: { poll: { timeout: 30 * SECOND_MS } },
    reporters: ["default", new TallyReporter(process.env.OPENCLAW_TEST_RESULT)],
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["src/**/*.test.ts", "test/**/*.test.ts", "manifests/**/*.test.ts"],
          exclude: ["**/*.engine.test.ts"],
          sequence: { groupOrder: 0 },
          // A process for each of four hundred files, which loads everything anew, takes as long as half of what they test.
          isolate: false,
          // One less than there are is the default, which leaves half of a small machine idle.
          maxWorkers: availableParallelism(),
          testTimeout: 60 * SECOND_MS,
          hookTimeout: 60 * SECOND_MS,
        },
      },
      {
        extends: true,
        test: {
          name: "engine",
          include: ["src/**/*.engine.test.ts", "test/**/*.engine.test.ts", "manifests/**/*.engine.test.ts"],
          globalSetup: ["test/engine-setup.ts"],
          env: IMAGES,
          // One create + start is 140 ms alone and 330 ms in fours on 2 cores: two files at a time, as each waits for the engine half of the time.
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
          // More than one wait of a test's own, which says what it waited for (docker.fixture.ts).
          testTimeout: 180 * SECOND_MS,
          hookTimeout: 180 * SECOND_MS,
        },
      },
    ],
  },
});
