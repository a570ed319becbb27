// `$include` joins several files into one tree: a string or a list, relative to the including file (beside the link, then beside what it leads to).
// Pure: every file is already in the sources, or they say why not. Bounds: depth 10, 64 inclusions, no cycles, nothing outside the folder.
// How their contents become one is include-merge.ts.
import { posix } from "node:path";
import type { Issue } from "../issue.ts";
import { mergeIncluded, type ReportLoss } from "./include-merge.ts";
import type { ConfigSources, SourceFile } from "./sources.ts";
import { type ParsedText, parseText } from "./text.ts";
import { type ConfigLocation, type ConfigMember, type ConfigNode, type ConfigPath, renderPath } from "./tree.ts";

export const INCLUDE_KEY = "$include";
const INCLUDE_DEPTH_MAX = 10;
/** Counts every inclusion, so that a few files that include each other's parts often cannot grow without end. */
const INCLUSIONS_MAX = 64;

/** A file by the path that named it, and by where that leads after all links. */
interface Place {
  path: string;
  realPath: string;
}

/** Under which paths a file included by `from` is looked for, in this order: beside the link, and beside what it leads to. */
function toIncludedPaths(from: Place, written: string): readonly string[] {
  if (posix.isAbsolute(written)) return [posix.normalize(written)];
  return [...new Set([from.path, from.realPath].map((path) => posix.join(posix.dirname(path), written)))];
}

/** The paths that one parsed file may mean by what it includes, anywhere in it: what has to be read. */
export function listIncludes(from: Place, root: ConfigNode): readonly string[] {
  const found = new Set<string>();
  const visit = (node: ConfigNode): void => {
    if (node.kind === "array") for (const item of node.items) visit(item);
    if (node.kind !== "object") return;
    for (const member of node.members) {
      if (member.key === INCLUDE_KEY) {
        for (const { path } of toTargets(member.value) ?? []) for (const candidate of toIncludedPaths(from, path)) found.add(candidate);
      } else visit(member.value);
    }
  };
  visit(root);
  return [...found];
}

function toTargets(node: ConfigNode): readonly { path: string; at: ConfigLocation }[] | null {
  const targets: { path: string; at: ConfigLocation }[] = [];
  for (const item of node.kind === "array" ? node.items : [node]) {
    if (item.kind !== "scalar" || typeof item.value !== "string" || item.value.trim() === "") return null;
    targets.push({ path: item.value, at: item.at });
  }
  return targets;
}

/** The whole config as one tree, every node with the position in its own file. */
export function joinSources(sources: ConfigSources): { root: ConfigNode | null; issues: Issue[] } {
  const join = new Join(sources);
  const root = join.readFile(sources.main, null, []);
  return { root, issues: join.issues };
}

/** Where something is that may include: `path` in its file, `base` of that file in the whole config. */
interface Where extends Place {
  at: ConfigPath;
  base: ConfigPath;
  /** The real paths that are being read, the file's own last. */
  stack: readonly string[];
}

class Join {
  readonly issues: Issue[] = [];
  readonly #sources: ConfigSources;
  /** A file that is included often is read once. */
  readonly #parsed = new Map<string, ParsedText>();
  #inclusions = 0;

  constructor(sources: ConfigSources) {
    this.#sources = sources;
  }

  #fail(at: ConfigLocation | { file: string }, path: ConfigPath, message: string, fix?: string): null {
    this.issues.push({ severity: "error", ...at, path: renderPath(path), message, ...(fix === undefined ? {} : { fix }) });
    return null;
  }

  /** `from` is where the file is included; null for the main file. */
  readFile(
    file: string,
    from: { at: ConfigLocation; path: ConfigPath; base: ConfigPath } | null,
    stack: readonly string[],
  ): ConfigNode | null {
    const source = this.#find(file);
    const at = from?.at ?? { file };
    const path = from?.path ?? [];
    const name = from === null ? "the file" : `the included file ${file}`;
    if (source.kind === "missing") {
      const make = from === null ? `openclaw onboard --config ${file} creates one` : undefined;
      return this.#fail(at, path, `${name} does not exist`, make);
    }
    if (source.kind === "outside") return this.#fail(at, path, `${name} is outside the config's folder`, "move it beside the config");
    if (source.kind === "unreadable") return this.#fail(at, path, `${name} cannot be read: ${source.reason}`);
    const { realPath } = source;
    if (stack.includes(realPath)) return this.#fail(at, path, `${name} includes itself: ${[...stack, realPath].join(" -> ")}`);
    const parsed = this.#parsed.get(file) ?? parseText(file, source.text);
    this.#parsed.set(file, parsed);
    if (!parsed.ok) {
      this.issues.push(...parsed.issues);
      return null;
    }
    return this.#expand(parsed.root, { path: file, realPath, at: [], base: from?.base ?? [], stack: [...stack, realPath] });
  }

  #find(file: string): SourceFile {
    return this.#sources.files.get(file) ?? { kind: "missing" };
  }

  /** The first place where the file is, else the first where something keeps it from being read, else the first. */
  #choose(paths: readonly string[]): string {
    const isThere = (path: string): boolean => this.#find(path).kind === "text";
    const isSomething = (path: string): boolean => this.#find(path).kind === "unreadable";
    return paths.find(isThere) ?? paths.find(isSomething) ?? paths[0] ?? "";
  }

  #expand(node: ConfigNode, where: Where): ConfigNode {
    if (node.kind === "scalar") return node;
    const inner = (part: string | number): Where => ({ ...where, at: [...where.at, part] });
    if (node.kind === "array") return { ...node, items: node.items.map((item, index) => this.#expand(item, inner(index))) };
    const include = node.members.find((member) => member.key === INCLUDE_KEY);
    const own = node.members
      .filter((member) => member !== include)
      .map((member) => ({ ...member, value: this.#expand(member.value, inner(member.key)) }));
    return include === undefined ? { ...node, members: own } : this.#include(include, { ...node, members: own }, where);
  }

  #include(include: ConfigMember, own: ConfigNode & { kind: "object" }, where: Where): ConfigNode {
    const path = [...where.at, INCLUDE_KEY];
    const base = [...where.base, ...where.at];
    const targets = toTargets(include.value);
    if (targets === null) {
      this.#fail(include.value.at, path, "expected the path of a file, or a list of paths");
      return own;
    }
    let merged: ConfigNode | null = null;
    for (const target of targets) {
      this.#inclusions += 1;
      if (this.#inclusions === INCLUSIONS_MAX + 1) this.#fail(target.at, path, `more than ${INCLUSIONS_MAX} files are included`);
      if (this.#inclusions > INCLUSIONS_MAX) return own;
      if (where.stack.length > INCLUDE_DEPTH_MAX) {
        this.#fail(target.at, path, `includes are nested deeper than ${INCLUDE_DEPTH_MAX} levels`);
        return own;
      }
      const file = this.#choose(toIncludedPaths(where, target.path));
      const included = this.readFile(file, { at: target.at, path, base }, where.stack);
      if (included !== null) merged = merged === null ? included : mergeIncluded(merged, included, base, this.#lost);
    }
    if (merged === null) return own;
    if (own.members.length === 0) return merged;
    if (merged.kind === "object") return mergeIncluded(merged, own, base, this.#lost);
    this.#fail(include.value.at, path, "the included file is not an object, so $include must be the only key here");
    return own;
  }

  readonly #lost: ReportLoss = (base, winner, path) => {
    const what = `the agents at ${base.at.file}:${base.at.line} would be lost: they are ${base.kind === "array" ? "a list" : "an object"}, and this is not`;
    this.#fail(winner.at, path, what, "write both in the same form, or remove one");
  };
}
