// The reporter's last line, from real vitest runs over small test files: it must be right especially when things break.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Run, run } from "./run-program.ts";

const project = resolve(import.meta.dirname, "..");
const CONFIG = `
import { TallyReporter } from ${JSON.stringify(join(project, "test/tally-reporter.ts"))};
export default { test: { include: ["*.sample.ts"], reporters: ["default", new TallyReporter("result")] } };
`;
const IMPORT = 'import { beforeAll, describe, expect, it } from "vitest";\n';
let folder = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "openclaw-tally-"));
  mkdirSync(join(folder, "node_modules"));
  for (const name of ["vitest"]) symlinkSync(join(project, "node_modules", name), join(folder, "node_modules", name));
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  writeFileSync(join(folder, "vitest.config.ts"), CONFIG);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function vitest(files: Record<string, string>): Promise<Run> {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, `${name}.sample.ts`), IMPORT + text);
  const env = { PATH: process.env.PATH ?? "", HOME: folder, NO_COLOR: "1" };
  return run(process.execPath, [join(project, "node_modules/vitest/vitest.mjs"), "run", "--root", folder], { cwd: folder, env });
}

async function checkTally(files: Record<string, string>, line: string, code: number): Promise<Run> {
  const ended = await vitest(files);
  expect({ line: ended.stdout.trimEnd().split("\n").at(-1), code: ended.code }).toEqual({ line, code });
  expect(readFileSync(join(folder, "result"), "utf8")).toBe(`${line}\n`);
  return ended;
}

describe("the tally", () => {
  it("counts, and prints why a test was skipped", async () => {
    const { stdout } = await checkTally(
      { a: 'it("works", () => {}); it("waits", (context) => context.skip("no Podman here"));', b: 'it("works too", () => {});' },
      "2 passed, 0 failed, 1 skipped",
      0,
    );
    expect(stdout).toContain("skipped: waits: no Podman here");
  });

  it("counts a failed test, a file that cannot be loaded and a stray rejection", async () => {
    const files = {
      a: 'it("works", () => {});',
      b: 'it("breaks", () => { expect(1).toBe(2); });',
      c: 'throw new Error("cannot be loaded");',
      d: 'it("leaves something behind", async () => { void Promise.reject(new Error("stray")); await new Promise((wake) => setTimeout(wake, 20)); });',
    };
    await checkTally(files, "2 passed, 3 failed", 1);
  });

  it("counts a broken hook as failed, and its tests as skipped because of it", async () => {
    const files = {
      a: 'it("works", () => {}); describe("s", () => { beforeAll(() => { throw new Error("hook"); }); it("never runs", () => {}); });',
    };
    const { stdout } = await checkTally(files, "1 passed, 1 failed, 1 skipped", 1);
    expect(stdout).toContain("skipped: s > never runs: a hook of its suite failed");
  });

  it("is no success when everything was skipped", async () => {
    await checkTally({ a: 'it("waits", (context) => context.skip("no"));' }, "0 passed, 0 failed, 1 skipped", 1);
  });

  it("is no success when there is no test file", async () => {
    expect((await vitest({})).code).toBe(1);
  });
});
