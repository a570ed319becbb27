// The first file of what is built (dist/program): goes on with the build, or with the sources beside it once one of them is another than it was built of,
// so that an edit counts at once. In an image there are no sources. What is built, and of what, is scripts/build-program.ts's.
import { existsSync, lstatSync, readFileSync } from "node:fs";

/** When its content, its name or its rights last changed (milliseconds since 1970, with fractions), which no program can set; and its bytes. */
export type SourceStamp = readonly [changedAtMs: number, bytes: number];

/** What a build was made of. */
export interface BuiltFrom {
  /** By path from the root of the checkout. Of each package that is part of it there is its package.json. */
  sources: Readonly<Record<string, SourceStamp>>;
  /** Of commands that run often, all that they may come to load; any other is whatever there is. By their words: `sandbox list`. */
  commands: Readonly<Record<string, readonly string[]>>;
}

/** Both from `dist/program`. */
const ROOT = new URL("../../", import.meta.url).pathname;
const SOURCE = new URL("../../src/cli/main.ts", import.meta.url);
const BUILT = new URL("./main.js", import.meta.url);

function isCurrent(): boolean {
  if (!existsSync(SOURCE)) return true;
  const { sources, commands }: BuiltFrom = JSON.parse(readFileSync(new URL("./sources.json", import.meta.url), "utf8"));
  const [first = "", second = ""] = process.argv.slice(2);
  const paths = commands[`${first} ${second}`] ?? commands[first] ?? Object.keys(sources);
  return paths.every((path) => isSame(path, sources[path]));
}

function isSame(path: string, stamp: SourceStamp | undefined): boolean {
  const found = lstatSync(ROOT + path, { throwIfNoEntry: false });
  return found !== undefined && stamp !== undefined && found.ctimeMs === stamp[0] && found.size === stamp[1];
}

await import((isCurrent() ? BUILT : SOURCE).href);
