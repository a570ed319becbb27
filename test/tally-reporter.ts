// A vitest reporter: why each skipped test was skipped, then one last line `N passed, N failed[, N skipped]` that programs may rely on.
// It never hides a failure: a file that cannot be loaded, a broken hook, a stray rejection and an interrupted run count as failed.
import { writeFileSync, writeSync } from "node:fs";
import type { Reporter, TestCase, TestModule, TestSuite, Vitest } from "vitest/node";

interface Tally {
  passed: number;
  failed: number;
  skipped: number;
}

type EndReason = "passed" | "failed" | "interrupted";

/** The same text for people, for `.ci/run` and for the result file. */
function renderTally({ passed, failed, skipped }: Tally): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}

export class TallyReporter implements Reporter {
  private readonly resultFile: string | undefined;
  private filtered = false;

  /** `resultFile`: where the last line is also written, for a program that must tell a crash from a result. */
  constructor(resultFile: string | undefined) {
    this.resultFile = resultFile;
  }

  onInit(vitest: Vitest): void {
    this.filtered = vitest.config.testNamePattern !== undefined;
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[], reason: EndReason): void {
    const tally: Tally = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    const skips: string[] = [];
    for (const module of modules) {
      tally.failed += failuresOutsideTests(module);
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === "passed") tally.passed += 1;
        else if (state === "failed") tally.failed += 1;
        else {
          tally.skipped += 1;
          const why = skipReason(test);
          if (why !== undefined || !this.filtered) skips.push(`skipped: ${test.fullName}: ${why ?? "no reason given"}`);
        }
      }
    }
    if (reason !== "passed" && tally.failed === 0) tally.failed = 1;
    if (tally.passed === 0) process.exitCode = 1;
    this.finish(skips, renderTally(tally));
  }

  private finish(skips: readonly string[], line: string): void {
    if (this.resultFile !== undefined) writeFileSync(this.resultFile, `${line}\n`);
    // At the very end, below the other reporters' output.
    process.once("exit", () => writeSync(1, `${[...skips, line].join("\n")}\n`));
  }
}

/** Load errors of the file and errors of beforeAll and afterAll hooks: no test carries them. */
function failuresOutsideTests(module: TestModule): number {
  const suites: (TestModule | TestSuite)[] = [module, ...module.children.allSuites()];
  return suites.filter((suite) => suite.errors().length > 0).length;
}

function skipReason(test: TestCase): string | undefined {
  const result = test.result();
  if (result.state === "skipped" && result.note !== undefined) return result.note;
  for (let parent: TestCase["parent"] | undefined = test.parent; parent !== undefined; ) {
    if (parent.errors().length > 0) return "a hook of its suite failed";
    parent = parent.type === "suite" ? parent.parent : undefined;
  }
  return undefined;
}
