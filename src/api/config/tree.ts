// The config as a tree whose every node knows its file, line and column, and the one way to write a key path.
// It holds no rule about which keys there are (schema.ts) and reads no text (text.ts).

/** Where something stands in a file; 1-based, columns in UTF-16 code units. */
export interface ConfigLocation {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export type ConfigPath = readonly (string | number)[];

export interface ConfigMember {
  readonly key: string;
  /** Where the key stands. */
  readonly at: ConfigLocation;
  readonly value: ConfigNode;
}

export type ConfigNode =
  | { readonly kind: "object"; readonly at: ConfigLocation; readonly members: readonly ConfigMember[] }
  | { readonly kind: "array"; readonly at: ConfigLocation; readonly items: readonly ConfigNode[] }
  | { readonly kind: "scalar"; readonly at: ConfigLocation; readonly value: string | number | boolean | null };

const PLAIN_KEY = /^[A-Za-z_$][A-Za-z0-9_$-]*$/;

/** `agents.list[1].sandbox`, and `agents.entries["a.b"]` where a key is not a plain word. */
export function renderPath(path: ConfigPath): string {
  let text = "";
  for (const part of path) {
    if (typeof part === "number") text += `[${part}]`;
    else if (PLAIN_KEY.test(part)) text += text === "" ? part : `.${part}`;
    else text += `[${JSON.stringify(part)}]`;
  }
  return text;
}

const PATH_PART = /\.?([A-Za-z0-9_$-]+)|\[(\d{1,9})\]|\[("(?:[^"\\]|\\.)*")\]/y;

/** The inverse of `renderPath`; a number after a dot is a key, in brackets an index. Null for anything malformed. */
export function parsePath(text: string): ConfigPath | null {
  const path: (string | number)[] = [];
  PATH_PART.lastIndex = 0;
  while (PATH_PART.lastIndex < text.length) {
    const start = PATH_PART.lastIndex;
    const part = PATH_PART.exec(text);
    if (part === null) return null;
    const dotted = text[start] === ".";
    if (part[1] !== undefined) {
      if (dotted === (start === 0)) return null;
      path.push(part[1]);
    } else if (part[2] !== undefined) path.push(Number(part[2]));
    else {
      const key = parseQuoted(part[3] ?? "");
      if (key === null) return null;
      path.push(key);
    }
  }
  return path.length === 0 ? null : path;
}

function parseQuoted(text: string): string | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "string" ? value : null;
  } catch {
    return null;
  }
}

/** The tree as ordinary values. Keys that could touch a prototype were refused when the text was read. */
export function toPlain(node: ConfigNode): unknown {
  switch (node.kind) {
    case "scalar":
      return node.value;
    case "array":
      return node.items.map(toPlain);
    case "object":
      return Object.fromEntries(node.members.map((member) => [member.key, toPlain(member.value)]));
  }
}

function findMember(node: ConfigNode, part: string | number): ConfigMember | undefined {
  if (node.kind === "object") return node.members.findLast((member) => member.key === String(part));
  if (node.kind === "array" && typeof part === "number") {
    const item = node.items[part];
    return item === undefined ? undefined : { key: String(part), at: item.at, value: item };
  }
  return undefined;
}

export function findNode(root: ConfigNode, path: ConfigPath): ConfigNode | undefined {
  let node: ConfigNode | undefined = root;
  for (const part of path) {
    if (node === undefined) return undefined;
    node = findMember(node, part)?.value;
  }
  return node;
}

/** Where the value at `path` stands; where it is absent, the nearest parent that is there. */
export function locateValue(root: ConfigNode, path: ConfigPath): ConfigLocation {
  let node = root;
  for (const part of path) {
    const member = findMember(node, part);
    if (member === undefined) break;
    node = member.value;
  }
  return node.at;
}

/** Where the key at the end of `path` stands: what an unknown key is reported at. */
export function locateKey(root: ConfigNode, path: ConfigPath): ConfigLocation {
  const key = path.at(-1);
  const parent = findNode(root, path.slice(0, -1));
  const member = parent === undefined || key === undefined ? undefined : findMember(parent, key);
  return member?.at ?? locateValue(root, path);
}

/** Every node by its rendered path, the root under the empty path. */
export function toLocations(root: ConfigNode): ReadonlyMap<string, ConfigLocation> {
  const locations = new Map<string, ConfigLocation>();
  const visit = (node: ConfigNode, path: ConfigPath): void => {
    locations.set(renderPath(path), node.at);
    if (node.kind === "object") for (const member of node.members) visit(member.value, [...path, member.key]);
    if (node.kind === "array") for (const [index, item] of node.items.entries()) visit(item, [...path, index]);
  };
  visit(root, []);
  return locations;
}
