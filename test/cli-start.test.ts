// What a command loads before it does anything: each package costs the time that a person waits for a list, whether or not it is used.
import { join } from "node:path";
import { expect, test } from "vitest";
import { createFolder } from "../src/api/store/folder.fixture.ts";
import { run } from "./run-program.ts";

const PROGRAM = join(import.meta.dirname, "..", "src", "cli", "main.ts");
/** Says at the end which packages were loaded, one a line. */
const REPORT = `data:text/javascript,${encodeURIComponent(`
import { registerHooks } from "node:module";
const packages = new Set();
registerHooks({
  load(url, context, next) {
    const name = /node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(url)?.[1];
    if (name !== undefined) packages.add(name);
    return next(url, context);
  },
});
process.on("exit", () => process.stderr.write([...packages].sort().map((name) => "loaded " + name + "\\n").join("")));
`)}`;

async function packagesOf(...args: string[]): Promise<string[]> {
  const stateDir = await createFolder();
  const command = ["--import", REPORT, PROGRAM, ...args, "--state-dir", stateDir];
  const { stderr } = await run(process.execPath, command, { env: { PATH: process.env.PATH ?? "" } });
  return [...stderr.matchAll(/^loaded (.*)$/gm)].map(([, name = ""]) => name);
}

/** The command line's grammar, and how wide text is. */
const ALWAYS = ["commander", "fast-string-truncated-width", "fast-string-width"];

test.each(["list", "top", "events"])("sandbox %s loads neither parsers of configs nor schemas", async (command) => {
  const packages = await packagesOf("sandbox", command);
  expect(packages).toContain("commander");
  expect(ALWAYS).toEqual(expect.arrayContaining(packages));
});

test("what a command needs more than others is loaded once it is called", async () => {
  expect(await packagesOf("config", "validate")).toEqual(expect.arrayContaining(["@humanwhocodes/momoa", "commander", "json5", "zod"]));
});
