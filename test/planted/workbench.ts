// A copy of the checkout in which faults are planted one after the other, and a test runner that stays warm between them.
// Nothing is ever changed in the checkout itself.
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createVitest, type TestCase, type TestModule, type Vitest } from "vitest/node";
import { applyPatch, filesOf, type PlantedFault } from "./planted-fault.ts";

export type FaultOutcome =
  /** The named test failed by one of its assertions. */
  | { kind: "caught" }
  /** The named test passed: it does not see the fault. */
  | { kind: "missed" }
  /** Nothing is proved: no such test, a patch that does not apply, a module that can't be loaded, an error that is no assertion. */
  | { kind: "unproved"; because: string };

const project = resolve(import.meta.dirname, "../..");

export class Workbench {
  readonly #vitest: Vitest;
  readonly #folder: string;

  private constructor(vitest: Vitest, folder: string) {
    this.#vitest = vitest;
    this.#folder = folder;
  }

  static async open(): Promise<Workbench> {
    const folder = mkdtempSync(join(tmpdir(), "openclaw-planted-"));
    const listed = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "-z"], {
      cwd: project,
      encoding: "utf8",
    });
    const files = listed.split("\0").filter((path) => path !== "" && existsSync(join(project, path)));
    for (const path of files) cpSync(join(project, path), join(folder, path), { verbatimSymlinks: true });
    symlinkSync(join(project, "node_modules"), join(folder, "node_modules"));
    const options = { root: folder, project: ["unit"], watch: false, reporters: [{}], cache: false as const };
    const vitest = await createVitest("test", options);
    await vitest.standalone();
    return new Workbench(vitest, folder);
  }

  async close(): Promise<void> {
    await this.#vitest.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Whether the tests pass as long as nothing is broken. @returns for each fault whose test does not, why */
  async runUnbroken(faults: readonly PlantedFault[]): Promise<Map<PlantedFault, string>> {
    const namesByFile = Map.groupBy(faults, ({ testFile }) => testFile);
    const broken = new Map<PlantedFault, string>();
    for (const [file, ofFile] of namesByFile) {
      const module = await this.#run(file, [...new Set(ofFile.map(({ testName }) => testName))]);
      for (const fault of ofFile) {
        const outcome = judge(module, fault);
        if (outcome.kind !== "missed")
          broken.set(fault, outcome.kind === "caught" ? "the test fails without the fault too" : outcome.because);
      }
    }
    return broken;
  }

  /** Plants the fault, runs the test that must notice, and takes the fault out again. */
  async tryOut(fault: PlantedFault): Promise<FaultOutcome> {
    const paths = filesOf(fault).map((path) => join(this.#folder, path));
    const missing = filesOf(fault).find((path) => !existsSync(join(this.#folder, path)));
    if (missing !== undefined) return { kind: "unproved", because: `the patch is about ${missing}, which is not there` };
    const before = paths.map((path) => [path, readFileSync(path)] as const);
    const refusal = applyPatch(this.#folder, fault, "apply");
    if (refusal !== null) return { kind: "unproved", because: `the patch does not apply any more: ${refusal}` };
    try {
      this.#changed(paths);
      return judge(await this.#run(fault.testFile, [fault.testName]), fault);
    } finally {
      for (const [path, content] of before) writeFileSync(path, content);
      this.#changed(paths);
    }
  }

  #changed(paths: readonly string[]): void {
    for (const path of paths) this.#vitest.invalidateFile(path);
  }

  async #run(file: string, names: readonly string[]): Promise<TestModule | null> {
    const path = join(this.#folder, file);
    const testNamePattern = new RegExp(`(?:^| )(?:${names.map(toPattern).join("|")})$`);
    const [project] = this.#vitest.projects;
    if (project === undefined || !existsSync(path)) return null;
    const { testModules } = await this.#vitest.runTestSpecifications([project.createSpecification(path, { testNamePattern })]);
    return testModules.find(({ moduleId }) => moduleId === path) ?? null;
  }
}

function judge(module: TestModule | null, { testFile, testName }: PlantedFault): FaultOutcome {
  if (module === null) return { kind: "unproved", because: `there is no ${testFile}` };
  const [loadError] = module.errors();
  if (loadError !== undefined) return { kind: "unproved", because: `${testFile} can't be loaded: ${firstLine(loadError.message)}` };
  const pattern = new RegExp(`^${toPattern(testName)}$`);
  const tests = [...module.children.allTests()].filter(({ name }) => pattern.test(name));
  if (tests.length === 0) return { kind: "unproved", because: `${testFile} has no test "${testName}"` };
  const odd = tests.map(oddityOf).find((one) => one !== null);
  if (odd !== undefined) return { kind: "unproved", because: odd };
  return { kind: tests.some((test) => test.result().state === "failed") ? "caught" : "missed" };
}

/** `%s` and the like, and `$word`, in the name of a test that is run for each of several cases stand for any text. */
const toPattern = (name: string): string => name.replaceAll(/[$()*+./?[\\\]^{|}]/g, "\\$&").replaceAll(/%[a-z]|\\\$\w+/g, ".*");

/** Why the end of a test says nothing about the fault. null: it passed, or an assertion failed. */
function oddityOf(test: TestCase): string | null {
  const result = test.result();
  if (result.state === "passed") return null;
  if (result.state !== "failed") return `the test did not run (${result.state})`;
  const odd = result.errors.find((error) => !isAssertion(error));
  return odd === undefined ? null : `it failed by no assertion: ${odd.name ?? "Error"}: ${firstLine(odd.message)}`;
}

/** Also one that waited in vain (the fixtures' `until` says so), and a property whose counterexample is an assertion. */
function isAssertion(error: { name?: string | undefined; message: string; cause?: unknown }): boolean {
  if (error.name === "AssertionError" || /^not within .* s(?: on the clock)?: /.test(error.message)) return true;
  return typeof error.cause === "object" && error.cause !== null && isAssertion({ message: "", ...error.cause });
}

const firstLine = (text: string): string => (text.trim().split("\n")[0] ?? "").slice(0, 200);
