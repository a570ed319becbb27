// Builds the program (commands, controller, gateway) into dist/program: what it consists of, its packages too, in a few files without what is never used,
// as bin/openclaw and the image start it. How the page is built is vite.config.ts's.
import { lstatSync, mkdirSync, readdirSync, renameSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, join, relative, resolve } from "node:path";
import { type ModuleInfo, type OutputChunk, type Plugin, rolldown } from "rolldown";
import type { BuiltFrom, SourceStamp } from "../src/cli/built.ts";

const ROOT = resolve(import.meta.dirname, "..");
const OUTPUT = join(ROOT, "dist/program");
const SOURCES = join(ROOT, "src");
const START = "start";
const MANIFEST = "sources.json";
const KEPT_MS = 14 * 86_400_000;

/**
 * Takes of Node's own modules what is asked for, in the place of `import`, which reads every name that they have: three of `node:http` load a client for
 * fetch and WebSockets (14 MB, and as long as an empty program takes), two of `node:fs` all streams.
 */
const takeBuiltins: Plugin = {
  name: "openclaw-builtins",
  renderChunk: (code) =>
    code.replaceAll(IMPORT, (statement, name: string | undefined, names: string | undefined, from: string) =>
      isBuiltin(from) ? renderTaken(`globalThis.process.getBuiltinModule("${from}")`, name, names) : statement,
    ),
};

/** As Rolldown writes it, one to a line. */
const IMPORT = /^import (?:(?:\* as )?([\w$]+))?(?:, )?(?:\{ ([^}]+) \})? from "([^"]+)";$/gm;

function renderTaken(taken: string, name: string | undefined, names: string | undefined): string {
  const all = name === undefined ? "" : `const ${name} = ${taken};`;
  return names === undefined ? all : `${all} const { ${names.replaceAll(" as ", ": ")} } = ${taken};`;
}

/** Commander's way to programs beside it, of which there are none. */
const noPrograms: Plugin = {
  name: "openclaw-no-programs",
  resolveId: (id, importer = "") => (id === "node:child_process" && importer.includes("/node_modules/commander/") ? "\0nothing" : null),
  load: (id) => (id === "\0nothing" ? "export default {}" : null),
};

/** What is loaded by itself where it is needed: it is large, or lies beside its own files. */
const EXTERNAL = ["playwright-core"];

interface Part {
  /** Its first file, from src. */
  entry: string;
  /** Its name without `.js`, from dist/program. */
  name: string;
}

const PARTS: readonly Part[] = [
  { entry: "cli/main.ts", name: "main" },
  { entry: "gateway/browser/child/main.ts", name: "child/main" },
  { entry: "cli/built.ts", name: START },
];

/** What loads what: also what leaves nothing in the result but a value. */
type Graph = Map<string, Pick<ModuleInfo, "importedIds" | "dynamicallyImportedIds">>;

const noteGraph = (graph: Graph): Plugin => ({
  name: "openclaw-graph",
  buildEnd() {
    for (const id of this.getModuleIds()) {
      const info = this.getModuleInfo(id);
      if (info !== null) graph.set(id, info);
    }
  },
});

async function build({ entry, name }: Part, graph: Graph): Promise<OutputChunk[]> {
  const bundle = await rolldown({
    input: { [name]: join(SOURCES, entry) },
    cwd: ROOT,
    platform: "node",
    external: EXTERNAL,
    plugins: [noPrograms, takeBuiltins, noteGraph(graph)],
    logLevel: "warn",
    checks: { ineffectiveDynamicImport: false },
  });
  let often: ReadonlySet<string> | null = null;
  const isOften = (id: string): boolean => {
    often ??= name === "main" ? new Set(AT_ONCE.flatMap((path) => [...reach(graph, path, "at once")])) : new Set();
    // What waits for the others may not be one of them.
    return (often.has(id) && id !== join(SOURCES, entry)) || id.startsWith("\0rolldown/");
  };
  const { output } = await bundle.generate({
    format: "esm",
    entryFileNames: "[name].js",
    // Beside its first file: the browser's process may read that folder alone.
    chunkFileNames: join(dirname(name), "[name]-[hash].js"),
    // One file is found, read and linked sooner than thirty.
    codeSplitting: { groups: [{ name: "often", test: isOften }] },
    // Names are what a stack trace is read by.
    minify: { compress: true, mangle: false, codegen: { removeWhitespace: true } },
  });
  return output.filter((file) => file.type === "chunk");
}

/** Each file under its own name at once, so that who starts it meanwhile never reads half of one. */
function put(name: string, text: string): void {
  const path = join(OUTPUT, name);
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}

/** Commands that people and scripts type all the time, and their files: whether those are current is found sooner than of everything. */
const OFTEN = {
  "sandbox describe": "cli/commands/sandbox-describe.ts",
  "sandbox exec": "cli/commands/sandbox-exec.ts",
  "sandbox explain": "cli/commands/sandbox-explain.ts",
  "sandbox list": "cli/commands/sandbox-list.ts",
  "sandbox ls": "cli/commands/sandbox-list.ts",
  status: "cli/commands/status.ts",
} as const;
/** What is loaded before any command is. */
const ALWAYS = ["cli/main.ts", "cli/program.ts"];
/** What nearly every command needs: one file. */
const AT_ONCE = [...ALWAYS, OFTEN["sandbox list"], OFTEN["sandbox explain"], OFTEN["sandbox describe"]];
/** The folder of the package that a file is of. */
const PACKAGE = /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/;

/** That file, and all that it loads at once; with `later` also all that it may come to load. */
function reach(graph: Graph, entry: string, later: "later" | "at once"): Set<string> {
  const found = new Set<string>();
  const follow = (id: string): void => {
    if (found.has(id)) return;
    found.add(id);
    const { importedIds = [], dynamicallyImportedIds = [] } = graph.get(id) ?? {};
    for (const next of later === "later" ? [...importedIds, ...dynamicallyImportedIds] : importedIds) follow(next);
  };
  const first = join(SOURCES, entry);
  if (!graph.has(first)) throw new Error(`src/${entry} is not a part of the program`);
  follow(first);
  return found;
}

/** By which it is known whether it is another one: of a package its description, which is made anew whenever it is installed. Relative to ROOT. */
function toStamped(id: string): string[] {
  const [folder] = PACKAGE.exec(id) ?? [];
  if (folder !== undefined) return [relative(ROOT, `${folder}/package.json`)];
  return id.startsWith(`${SOURCES}/`) ? [relative(ROOT, id)] : [];
}

/** @param before stamps of all sources, from before they were read, by their path relative to ROOT */
function toBuiltFrom(before: ReadonlyMap<string, SourceStamp>, graph: Graph): BuiltFrom {
  const toPaths = (ids: Iterable<string>): string[] => [...new Set([...ids].flatMap(toStamped))];
  const always = ALWAYS.flatMap((entry) => [...reach(graph, entry, "at once")]);
  return {
    sources: Object.fromEntries(toPaths(graph.keys()).map((path) => [path, before.get(path) ?? stampOf(path)])),
    commands: Object.fromEntries(
      Object.entries(OFTEN).map(([words, entry]) => [words, toPaths([...always, ...reach(graph, entry, "later")])]),
    ),
  };
}

function stampOf(path: string): SourceStamp {
  const { ctimeMs, size } = lstatSync(join(ROOT, path));
  return [ctimeMs, size];
}

/** A process that runs may not have loaded all of its build yet: files of older ones stay for a while. */
function removeOld(current: ReadonlySet<string>, before: number): void {
  for (const name of readdirSync(OUTPUT, { recursive: true, encoding: "utf8" })) {
    const path = join(OUTPUT, name);
    const found = lstatSync(path);
    if (found.isFile() && !current.has(name) && found.mtimeMs < before) rmSync(path);
  }
}

async function main(): Promise<void> {
  const begunAt = new Date();
  const files = readdirSync(SOURCES, { recursive: true, encoding: "utf8" }).map((name) => `src/${name}`);
  const before = new Map(files.map((path) => [path, stampOf(path)]));
  const graph: Graph = new Map();
  const chunks = (await Promise.all(PARTS.map((part) => build(part, graph)))).flat();
  mkdirSync(join(OUTPUT, "child"), { recursive: true });
  for (const { fileName, code } of chunks) if (fileName !== `${START}.js`) put(fileName, code);
  put(MANIFEST, JSON.stringify(toBuiltFrom(before, graph)));
  // Last, for by it the launcher knows that there is a build; and as old as what it was built of.
  put(`${START}.js`, chunks.find(({ fileName }) => fileName === `${START}.js`)?.code ?? "");
  utimesSync(join(OUTPUT, `${START}.js`), begunAt, begunAt);
  removeOld(new Set([MANIFEST, ...chunks.map(({ fileName }) => fileName)]), begunAt.getTime() - KEPT_MS);
  // Under the name that container commands know.
  writeFileSync(join(OUTPUT, "../index.js"), `import "./program/${START}.js";\n`);
}

await main();
