// Takes one entry out of a config's text and leaves every other one as it is, its comments and order too. Text only: whether the result is a good config
// is parse.ts.
import type { ElementNode, MemberNode, ValueNode } from "@humanwhocodes/momoa";
import { findMember, getPath, type SetResult, toParts } from "./edit.ts";
import { parseSyntax, toRange } from "./text.ts";
import type { ConfigPath } from "./tree.ts";

/** The text without the key or list entry at `path`; as it was, where there is none. */
export function unsetPath(text: string, path: string, file = "openclaw.json"): SetResult {
  const found = getPath(text, path, file);
  if (found.kind === "invalid") return { ok: false, issue: found.issue };
  if (found.kind === "absent") return { ok: true, text };
  const parts = toParts(path, file);
  if ("severity" in parts) return { ok: false, issue: parts };
  const syntax = parseSyntax(file, text);
  if (!syntax.ok) return { ok: false, issue: syntax.issue };
  const entry = findEntry(syntax.document.body, syntax.masked, parts);
  return { ok: true, text: entry === null ? text : without(text, syntax.masked, toRange(entry)) };
}

function findEntry(root: ValueNode, masked: string, parts: ConfigPath): MemberNode | ElementNode | null {
  let node = root;
  let entry: MemberNode | ElementNode | undefined;
  for (const part of parts) {
    entry =
      node.type === "Object" ? findMember(node, masked, String(part)) : node.type === "Array" ? node.elements[Number(part)] : undefined;
    if (entry === undefined) return null;
    node = entry.value;
  }
  return entry ?? null;
}

/** With its comma; where it is the last one, with the comma before it. A line that held nothing else goes too. */
function without(text: string, masked: string, [start, end]: readonly [number, number]): string {
  const after = end + (/^\s*/.exec(masked.slice(end))?.[0].length ?? 0);
  const before = masked.slice(0, start).trimEnd().length - 1;
  if (masked[after] === ",") return cut(text, start, after + 1);
  return masked[before] === ","
    ? `${text.slice(0, before)}${cut(text.slice(before + 1), start - before - 1, end - before - 1)}`
    : cut(text, start, end);
}

function cut(text: string, start: number, end: number): string {
  const lineStart = /[^\n\r]*$/.exec(text.slice(0, start))?.index ?? start;
  const rest = /^[ \t]*(\r\n|\n|\r)?/.exec(text.slice(end)) ?? [""];
  const isAlone = text.slice(lineStart, start).trim() === "" && rest[1] !== undefined;
  if (isAlone) return text.slice(0, lineStart) + text.slice(end + rest[0].length);
  // On a line with others, one space is left between them.
  return text.slice(0, start) + text.slice(end).replace(/^[ \t]+(?=\S)/, "");
}
