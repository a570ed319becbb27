// Every planted fault is well-formed: its header, its test and its patch are there and fit the checkout. That its test fails with it, planted/run.ts shows.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { applyPatch, filesOf, parsePlantedFault, readPlantedFaults } from "./planted/planted-fault.ts";

const project = resolve(import.meta.dirname, "..");
const FAULTS_MIN = 200;
const faults = readPlantedFaults();

const quoted = (name: string): string[] => [`"${name}"`, `\`${name}\``, JSON.stringify(name)];

test("there are planted faults for every part of the safety core, each told in other words", () => {
  expect(faults.length).toBeGreaterThanOrEqual(FAULTS_MIN);
  expect(new Set(faults.map(({ fault }) => fault)).size).toBe(faults.length);
  expect(readdirSync(join(project, "test/planted")).filter((file) => !/\.(ts|patch)$/.test(file))).toEqual([]);
});

test("every planted fault names a test that is there", () => {
  const missing = faults.filter(({ testFile, testName }) => {
    const path = join(project, testFile);
    const source = existsSync(path) ? readFileSync(path, "utf8") : "";
    return !quoted(testName).some((text) => source.includes(text));
  });
  expect(missing.map(({ name, testFile, testName }) => `${name}: ${testFile} :: ${testName}`)).toEqual([]);
});

test("every planted fault breaks a file of the product, and its patch applies", () => {
  const odd = faults.flatMap((fault) => {
    const files = filesOf(fault);
    if (files.length !== 1 || !/^src\/.*(?<!\.test)\.ts$/.test(files[0] ?? "")) return [`${fault.name}: changes ${files.join(", ")}`];
    const refusal = applyPatch(project, fault, "check");
    return refusal === null ? [] : [`${fault.name}: ${refusal}`];
  });
  expect(odd).toEqual([]);
});

test.each([
  ["no header", "diff --git a/a b/a\n"],
  ["no test", "Fault: it breaks\n---\ndiff --git a/a b/a\n"],
  ["a test without a name", "Fault: it breaks\nTest: src/a.test.ts\n---\ndiff --git a/a b/a\n"],
  ["no diff", "Fault: it breaks\nTest: src/a.test.ts :: it works\n---\n"],
])("a planted fault with %s is refused", (_what, text) => {
  expect(() => parsePlantedFault("area-what-breaks", text)).toThrow(/^area-what-breaks\.patch must begin with/);
});
