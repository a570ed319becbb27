// Runs once before the tests that need a real engine: fails with what to do when there is none, instead of a hundred times later.
// It starts and builds nothing; scripts/prepare.sh does.
import { execFileSync } from "node:child_process";
import { resolve } from "node:path";

const PROBE_MS_MAX = 60_000; // find-engine.sh asks at most 9 addresses for 5 s each

export function setup(): void {
  try {
    execFileSync(resolve(import.meta.dirname, "../scripts/find-engine.sh"), {
      stdio: ["ignore", "ignore", "inherit"],
      timeout: PROBE_MS_MAX,
    });
  } catch (cause) {
    throw new Error("no container engine answers: run sh scripts/prepare.sh first (npm test does)", { cause });
  }
}
