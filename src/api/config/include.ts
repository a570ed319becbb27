// `$include` joins several files into one tree: a string or a list, relative to the including file, later ones and sibling keys winning.
// Pure: every file is already in the sources, or they say why not. Bounds: depth 10, 64 inclusions, no cycles, nothing outside the folder.
import { posix } from "node:path";
import type { Issue } from "../issue.ts";
import type { ConfigSources } from "./sources.ts";
import { type ParsedText, parseText } from "./text.ts";
import { type ConfigLocation, type ConfigMember, type ConfigNode, type ConfigPath, mergeNodes, renderPath } from "./tree.ts";

export const INCLUDE_KEY = "$include";
const INCLUDE_DEPTH_MAX = 10;
/** Counts every inclusion, so that a few files that include each other's parts often cannot grow without end. */
const INCLUSIONS_MAX = 64;

/** Under which path a file included by `from` is looked for and named. */
export function toIncludedPath(from: string, written: string): string {
  return posix.isAbsolute(written) ? posix.normalize(written) : posix.join(posix.dirname(from), written);
}

/** The paths that one parsed file includes, anywhere in it: what has to be read. */
export function listIncludes(file: string, root: ConfigNode): readonly string[] {
  const found = new Set<string>();
  const visit = (node: ConfigNode): void => {
    if (node.kind === "array") for (const item of node.items) visit(item);
    if (node.kind !== "object") return;
    for (const member of node.members) {
      if (member.key === INCLUDE_KEY) for (const { path } of toTargets(member.value) ?? []) found.add(toIncludedPath(file, path));
      else visit(member.value);
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

  /** `from` is where the file is included; null for the main file. `stack` holds the real paths that are being read. */
  readFile(file: string, from: { at: ConfigLocation; path: ConfigPath } | null, stack: readonly string[]): ConfigNode | null {
    const source = this.#sources.files.get(file) ?? { kind: "missing" as const };
    const at = from?.at ?? { file };
    const path = from?.path ?? [];
    const name = from === null ? "the file" : `the included file ${file}`;
    if (source.kind === "missing") {
      const make = from === null ? `openclaw onboard --config ${file} creates one` : undefined;
      return this.#fail(at, path, `${name} does not exist`, make);
    }
    if (source.kind === "outside") return this.#fail(at, path, `${name} is outside the config's folder`, "move it beside the config");
    if (source.kind === "unreadable") return this.#fail(at, path, `${name} cannot be read: ${source.reason}`);
    if (stack.includes(source.realPath))
      return this.#fail(at, path, `${name} includes itself: ${[...stack, source.realPath].join(" -> ")}`);
    const parsed = this.#parsed.get(file) ?? parseText(file, source.text);
    this.#parsed.set(file, parsed);
    if (!parsed.ok) {
      this.issues.push(...parsed.issues);
      return null;
    }
    return this.#expand(parsed.root, file, [], [...stack, source.realPath]);
  }

  #expand(node: ConfigNode, file: string, path: ConfigPath, stack: readonly string[]): ConfigNode {
    if (node.kind === "scalar") return node;
    if (node.kind === "array")
      return { ...node, items: node.items.map((item, index) => this.#expand(item, file, [...path, index], stack)) };
    const include = node.members.find((member) => member.key === INCLUDE_KEY);
    const own = node.members
      .filter((member) => member !== include)
      .map((member) => ({ ...member, value: this.#expand(member.value, file, [...path, member.key], stack) }));
    return include === undefined ? { ...node, members: own } : this.#include(include, { ...node, members: own }, { file, path, stack });
  }

  #include(
    include: ConfigMember,
    own: ConfigNode & { kind: "object" },
    where: { file: string; path: ConfigPath; stack: readonly string[] },
  ): ConfigNode {
    const path = [...where.path, INCLUDE_KEY];
    const targets = toTargets(include.value);
    if (targets === null) {
      this.#fail(include.value.at, path, "expected the path of a file, or a list of paths");
      return own;
    }
    let base: ConfigNode | null = null;
    for (const target of targets) {
      this.#inclusions += 1;
      if (this.#inclusions === INCLUSIONS_MAX + 1) this.#fail(target.at, path, `more than ${INCLUSIONS_MAX} files are included`);
      if (this.#inclusions > INCLUSIONS_MAX) return own;
      if (where.stack.length > INCLUDE_DEPTH_MAX) {
        this.#fail(target.at, path, `includes are nested deeper than ${INCLUDE_DEPTH_MAX} levels`);
        return own;
      }
      const included = this.readFile(toIncludedPath(where.file, target.path), { at: target.at, path }, where.stack);
      if (included !== null) base = base === null ? included : mergeNodes(base, included);
    }
    if (base === null) return own;
    if (own.members.length === 0) return base;
    if (base.kind === "object") return mergeNodes(base, own);
    this.#fail(include.value.at, path, "the included file is not an object, so $include must be the only key here");
    return own;
  }
}
