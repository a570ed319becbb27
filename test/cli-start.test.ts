// What a command, and the controller, loads before it does anything: each package costs the time that a person waits for a list, or memory for as long as
// the process runs, whether or not it is used.
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
    const name = /node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(url)?.[1] ?? /src\\/(controller\\/doctor)\\//.exec(url)?.[1];
    if (name !== undefined) packages.add(name);
    return next(url, context);
  },
});
process.on("exit", () => process.stderr.write([...packages].sort().map((name) => "loaded " + name + "\\n").join("")));
`)}`;

const packagesOf = async (...args: string[]): Promise<string[]> => await loadedBy(PROGRAM, ...args, "--state-dir", await createFolder());

async function loadedBy(...program: string[]): Promise<string[]> {
  const { stderr } = await run(process.execPath, ["--import", REPORT, ...program], { env: { PATH: process.env.PATH ?? "" } });
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

test("a controller loads neither what only a person's question needs, nor what is never used", async () => {
  const packages = await loadedBy(join(import.meta.dirname, "..", "src", "controller", "main.ts"));
  expect(packages).toEqual(expect.arrayContaining(["dockerode", "pino", "zod"]));
  for (const name of ["controller/doctor", "pino-pretty", "ssh2", "@grpc/grpc-js", "tar-fs"]) expect(packages).not.toContain(name);
});
