// What the image and `npm run build` ship is the product alone: each built file is reached by imports from a program's beginning, so that no
// test double, builder or leftover comes along. That no export is there for tests alone is `knip --production`'s (scripts/check.sh).
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { expect, onTestFinished, test } from "vitest";

const project = resolve(import.meta.dirname, "..");
/** What containers and checkouts start; each loads the rest as it is needed. */
const PROGRAMS = ["index.js", "cli/main.js", "egress/main.js", "gateway/browser/child/main.js"];
const PRODUCT_FILES_MIN = 300;

/** Compiles as `npm run build` does, but for the types, which `npm run check` looks at. @returns the built folder */
function build(root: string): string {
  execFileSync(join(project, "node_modules/.bin/tsc"), ["-p", join(root, "tsconfig.build.json"), "--noCheck"]);
  return join(root, "dist");
}

/** The sources in a folder of their own, so that a test may plant in them; the checkout's own dist stays as it is. */
function copyCheckout(): string {
  const root = mkdtempSync(join(tmpdir(), "openclaw-shipped-"));
  onTestFinished(() => rmSync(root, { recursive: true }));
  for (const name of ["src", "package.json", "tsconfig.json", "tsconfig.build.json"])
    cpSync(join(project, name), join(root, name), { recursive: true });
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

/** Sentences; empty when only the product is there. */
function findStrangers(dist: string): string[] {
  const reached = reach(dist);
  return listBuilt(dist).flatMap((file) => {
    if (/(?:^|\/)fixtures\/|\.(?:fixture|test)\.js$/.test(file)) return [`${file} is for tests, and the product imports it`];
    return reached.has(file) || holdsTypesOnly(join(dist, file))
      ? []
      : [`${file} is imported by no program: what only tests need is named *.fixture.ts`];
  });
}

test("every file that is built is reached from the programs, and none of them is a test's", () => {
  const dist = build(copyCheckout());
  expect(listBuilt(dist).length).toBeGreaterThan(PRODUCT_FILES_MIN);
  expect(findStrangers(dist)).toEqual([]);
});

test("a double that only tests import is found in what is built, and so is a fixture that the product imports", () => {
  const root = copyCheckout();
  const plant = (file: string, text: string): void => writeFileSync(join(root, "src", file), text);
  plant("controller/engine/double.ts", 'import { toSlug } from "../../api/names.ts";\nexport const double = toSlug;\n');
  plant("controller/engine/double.test.ts", 'import { double } from "./double.ts";\ndouble;\n');
  plant("api/planted.fixture.ts", "export const planted = 1;\n");
  plant("index.ts", 'import "./cli/main.ts";\nimport { planted } from "./api/planted.fixture.ts";\nplanted.toFixed();\n');
  const strangers = findStrangers(build(root)).map((line) => line.split(" ")[0]);
  expect(strangers.toSorted()).toEqual(["api/planted.fixture.js", "controller/engine/double.js"]);
});
