// What the image and `npm run build` ship is the product alone: each source is reached by imports from a program's beginning, so that no test double,
// builder or leftover is there, and what is built is built of those. That no export is there for tests alone is `knip --production`'s (scripts/check.sh).
import { execFileSync } from "node:child_process";
import { appendFileSync, cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { expect, onTestFinished, test } from "vitest";

const project = resolve(import.meta.dirname, "..");
/** What containers and checkouts start; each loads the rest as it is needed. */
const PROGRAMS = ["cli/main.js", "cli/built.js", "egress/main.js", "gateway/browser/child/main.js"];
const PRODUCT_FILES_MIN = 300;

const NOT_BUILT = ["src/ui", "**/*.test.ts", "**/*.fixture.ts", "**/fixtures/**"];

/** Compiles each source to a file of its own, without looking at types, which `npm run check` does. @returns the built folder */
function compile(root: string, config: string): string {
  execFileSync(join(project, "node_modules/.bin/tsc"), ["-p", join(root, config), "--noCheck"]);
  return join(root, "dist");
}

/** Of all but the page's and the tests' own. */
function compileAll(root: string): string {
  writeFileSync(
    join(root, "tsconfig.all.json"),
    JSON.stringify({ extends: "./tsconfig.build.json", include: ["src"], exclude: NOT_BUILT }),
  );
  return compile(root, "tsconfig.all.json");
}

/** As `npm run build` does. @returns the sources of the program, and the other built files */
function build(root: string): { sources: string[]; dist: string } {
  execFileSync("sh", [join(root, "scripts/build-program.sh")], { stdio: "ignore" });
  const { sources } = JSON.parse(readFileSync(join(root, "dist/program/sources.json"), "utf8"));
  return { sources: Object.keys(sources), dist: compile(root, "tsconfig.build.json") };
}

/** The sources in a folder of their own, so that a test may plant in them; the checkout's own dist stays as it is. */
function copyCheckout(): string {
  const root = mkdtempSync(join(tmpdir(), "openclaw-shipped-"));
  onTestFinished(() => rmSync(root, { recursive: true }));
  const names = ["src", "package.json", "tsconfig.json", "tsconfig.build.json", "scripts/build-program.sh", "scripts/build-program.ts"];
  for (const name of names) cpSync(join(project, name), join(root, name), { recursive: true });
  symlinkSync(join(project, "node_modules"), join(root, "node_modules"));
  return root;
}

function listBuilt(dist: string): string[] {
  return readdirSync(dist, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".js"));
}

function reach(dist: string): ReadonlySet<string> {
  const reached = new Set<string>(PROGRAMS);
  for (const file of reached)
    for (const [, imported = ""] of readFileSync(join(dist, file), "utf8").matchAll(/\b(?:from|import)\s*\(?\s*"(\.[^"]+)"/g)) {
      const path = join(dirname(file), imported);
      if (existsSync(join(dist, path))) reached.add(path);
    }
  return reached;
}

/** Of which nothing is left but its comments; nobody imports that. */
function holdsTypesOnly(path: string): boolean {
  const code = readFileSync(path, "utf8").replace(/\/\*[\s\S]*?\*\/|^\/\/.*$/gm, "");
  return code.trim() === "export {};";
}

const isOfTests = (file: string): boolean => /(?:^|\/)fixtures\/|\.(?:fixture|test)\.[jt]s$/.test(file);

/** Sentences; empty when only the product is there. */
function findStrangers(dist: string): string[] {
  const reached = reach(dist);
  return listBuilt(dist).flatMap((file) => {
    if (isOfTests(file)) return [`${file} is for tests, and the product imports it`];
    return reached.has(file) || holdsTypesOnly(join(dist, file))
      ? []
      : [`${file} is imported by no program: what only tests need is named *.fixture.ts`];
  });
}

test("every source is reached from the programs, and none of them is a test's", () => {
  const dist = compileAll(copyCheckout());
  expect(listBuilt(dist).length).toBeGreaterThan(PRODUCT_FILES_MIN);
  expect(findStrangers(dist)).toEqual([]);
});

test("a double that only tests import is found among the sources, and so is a fixture that the product imports, there and in what is built", () => {
  const root = copyCheckout();
  const plant = (file: string, text: string): void => appendFileSync(join(root, "src", file), text);
  plant("controller/engine/double.ts", 'import { toSlug } from "../../api/names.ts";\nexport const double = toSlug;\n');
  plant("controller/engine/double.test.ts", 'import { double } from "./double.ts";\ndouble;\n');
  plant("api/planted.fixture.ts", "export const planted = 1;\n");
  plant("cli/version.ts", 'import { planted } from "../api/planted.fixture.ts";\nplanted.toFixed();\n');
  const strangers = findStrangers(compileAll(root)).map((line) => line.split(" ")[0]);
  expect(strangers.toSorted()).toEqual(["api/planted.fixture.js", "controller/engine/double.js"]);
  expect(build(root).sources.filter(isOfTests)).toEqual(["src/api/planted.fixture.ts"]);
});

test("what is built is built of the product alone", () => {
  const { sources, dist } = build(copyCheckout());
  expect(sources.length).toBeGreaterThan(PRODUCT_FILES_MIN);
  expect([...sources, ...listBuilt(dist)].filter(isOfTests)).toEqual([]);
});
