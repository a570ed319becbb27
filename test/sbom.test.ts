// The bill of materials names what runs, in the versions that are locked, and nothing that is for development alone.
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { z } from "zod";
import { describePackages, importedPackages, toDebianComponents } from "../scripts/sbom.ts";

const Package = z.looseObject({ name: z.string(), version: z.string(), dependencies: z.record(z.string(), z.string()) });

/** Those of a scope lie in a folder of its own. */
const installedPackages = (): string[] =>
  readdirSync("node_modules").flatMap((name) => (name.startsWith("@") ? readdirSync(`node_modules/${name}`) : [name]));

test("every package that runs is in the bill in the version that is installed, with its digest, and no tool of development is", () => {
  const { name, version, dependencies } = Package.parse(JSON.parse(readFileSync("package.json", "utf8")));
  const bom = describePackages(readFileSync("package-lock.json", "utf8"), importedPackages("src/ui"));
  expect(bom.metadata.component).toMatchObject({ type: "application", name, version });
  const found = new Map(bom.components.map((component) => [component["bom-ref"], component]));
  expect(found.size).toBe(bom.components.length);
  for (const dependency of Object.keys(dependencies)) {
    const installed = Package.pick({ version: true }).parse(JSON.parse(readFileSync(`node_modules/${dependency}/package.json`, "utf8")));
    const component = found.get(`${dependency}@${installed.version}`);
    expect(component, dependency).toMatchObject({ purl: `pkg:npm/${dependency.replace("@", "%40")}@${installed.version}` });
    expect(component?.hashes?.[0]?.content, dependency).toMatch(/^[0-9a-f]{128}$/);
  }
  const names = bom.components.map((component) => component.name);
  expect(names.filter((one) => ["typescript", "vitest", "knip", "fast-check"].includes(one))).toEqual([]);
  expect(names.length).toBeLessThan(installedPackages().length);
});

test("who needs what leads from the product to every package, and names none that the bill does not have", () => {
  const bom = describePackages(readFileSync("package-lock.json", "utf8"), importedPackages("src/ui"));
  const needs = new Map(bom.dependencies.map(({ ref, dependsOn }) => [ref, dependsOn]));
  const reached = new Set<string>();
  const visit = (ref: string): void => {
    if (reached.has(ref)) return;
    reached.add(ref);
    for (const next of needs.get(ref) ?? []) visit(next);
  };
  visit(bom.metadata.component["bom-ref"]);
  const listed = [bom.metadata.component, ...bom.components].map((component) => component["bom-ref"]);
  expect([...reached].sort()).toEqual(listed.sort());
});

test("what the page is built from is in the bill, with what that needs, and is said to be the page's", () => {
  const imported = importedPackages("src/ui");
  expect(imported).toEqual(expect.arrayContaining(["@tanstack/react-query", "react", "react-dom"]));
  const { components } = describePackages(readFileSync("package-lock.json", "utf8"), imported);
  const ofPage = components.filter(({ properties }) => properties?.some(({ value }) => value === "control-ui")).map(({ name }) => name);
  expect(ofPage).toEqual(expect.arrayContaining(["react", "scheduler", "@tanstack/query-core"]));
  expect(ofPage.filter((name) => name === "vite" || name.startsWith("@types/"))).toEqual([]);
  expect(() => describePackages(readFileSync("package-lock.json", "utf8"), ["no-such-package"])).toThrow("not in package-lock.json");
});

test("a Debian package is named by a package URL with its version, architecture and release", () => {
  const [first, second] = toDebianComponents("libc6\t2.36-9+deb12u14\tamd64\tglibc\nlibstdc++6\t12.2.0-14\tamd64\tgcc-12\n", "debian-12");
  expect(first).toMatchObject({ name: "libc6", purl: "pkg:deb/debian/libc6@2.36-9%2Bdeb12u14?arch=amd64&distro=debian-12" });
  expect(second).toMatchObject({ version: "12.2.0-14", purl: "pkg:deb/debian/libstdc%2B%2B6@12.2.0-14?arch=amd64&distro=debian-12" });
});
