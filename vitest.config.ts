// Three projects: `unit` needs nothing but Node, `engine` (*.engine.test.ts) needs a container engine and the sandbox image, and so does
// `engine-alone`, whose tests leave nothing of the machine to others.
// Unit tests run first: they are fast, and a broken decision makes every engine test fail for the same reason.
import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { TallyReporter } from "./test/tally-reporter.ts";

const SECOND_MS = 1000;
const ALONE = ["src/controller/exhaustion.engine.test.ts"];
const onEngine = { globalSetup: ["test/engine-setup.ts"], testTimeout: 60 * SECOND_MS, hookTimeout: 60 * SECOND_MS };

export default defineConfig({
  test: {
    reporters: ["default", new TallyReporter(process.env.OPENCLAW_TEST_RESULT)],
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["src/**/*.test.ts", "test/**/*.test.ts", "manifests/**/*.test.ts"],
          exclude: ["**/*.engine.test.ts"],
          sequence: { groupOrder: 0 },
          // One less than there are is the default, which leaves half of a small machine idle.
          maxWorkers: availableParallelism(),
          testTimeout: 60 * SECOND_MS,
          hookTimeout: 60 * SECOND_MS,
        },
      },
      {
        extends: true,
        test: {
          ...onEngine,
          name: "engine",
          include: ["src/**/*.engine.test.ts", "test/**/*.engine.test.ts", "manifests/**/*.engine.test.ts"],
          exclude: ALONE,
          // One create + start is 140 ms alone and 330 ms in fours on 2 cores, and much of these tests is waiting: two files at once.
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: { ...onEngine, name: "engine-alone", include: ALONE, maxWorkers: 1, sequence: { groupOrder: 2 } },
      },
    ],
  },
});
