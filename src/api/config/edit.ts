// Reads and changes one value in a config's text and leaves every other character as it is: comments, order, quotes, trailing commas.
// It edits text only: whether the result is a good config is parse.ts, and included files are not followed.
import type { MemberNode, ObjectNode, ValueNode } from "@humanwhocodes/momoa";
import type { Issue } from "../issue.ts";
import { FORBIDDEN_KEYS, maskComments, parseSyntax, parseText, toKey, toRange } from "./text.ts";
import { type ConfigPath, findNode, parsePath, renderPath, toPlain } from "./tree.ts";

export type GetResult =
  /** `text` is the value as it is written. */
  | { readonly kind: "found"; readonly value: unknown; readonly text: string }
  | { readonly kind: "absent" }
  | { readonly kind: "invalid"; readonly issue: Issue };

export type SetResult = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly issue: Issue };

const INDENT_DEFAULT = "  ";
const BARE_KEY = /^[A-Za-z_$][A-Za-z0-9_$]*$/;

const toIssue = (file: string, path: string, message: string, fix?: string): Issue => ({
  severity: "error",
  file,
  path,
  message,
  ...(fix === undefined ? {} : { fix }),
});

/** The value at a key path such as `agents.list[0].sandbox.mode`. `file` names the text in issues. */
export function getPath(text: string, path: string, file = "openclaw.json"): GetResult {
  const parts = toParts(path, file);
  if ("severity" in parts) return { kind: "invalid", issue: parts };
  const syntax = parseSyntax(file, text);
  if (!syntax.ok) return { kind: "invalid", issue: syntax.issue };
  const parsed = parseText(file, text);
  if (!parsed.ok) return { kind: "invalid", issue: parsed.issues[0] ?? toIssue(file, "", "this is not JSON5") };
  const place = findPlace(syntax.document.body, syntax.masked, parts);
  if (place.rest.length > 0) return { kind: "absent" };
  const node = findNode(parsed.root, place.path);
  return node === undefined ? { kind: "absent" } : { kind: "found", value: toPlain(node), text: text.slice(...toRange(place.node)) };
}

/** The text with the value at `path` replaced or added; missing parents are made. `valueText` is JSON5. */
export function setPath(text: string, path: string, valueText: string, file = "openclaw.json"): SetResult {
  const parts = toParts(path, file);
  if ("severity" in parts) return { ok: false, issue: parts };
  const value = parseText("the value", valueText);
  if (!value.ok) return { ok: false, issue: value.issues[0] ?? toIssue("the value", "", "this is not JSON5") };
  const trimmed = trimValue(valueText);
  const edited = isBlank(text) ? toNewFile(text, parts, trimmed, file) : editText(text, parts, trimmed, file);
  if (!edited.ok) return edited;
  const check = getPath(edited.text, path, file);
  if (check.kind === "invalid") return { ok: false, issue: check.issue };
  const written = check.kind === "found" && JSON.stringify(check.value) === JSON.stringify(toPlain(value.root));
  return written ? edited : { ok: false, issue: toIssue(file, path, "the value cannot be written here", "edit the file by hand") };
}

/** A comment after the value would swallow what follows it in the file. */
function trimValue(valueText: string): string {
  const syntax = parseSyntax("the value", valueText);
  return syntax.ok ? valueText.slice(...toRange(syntax.document.body)) : valueText;
}

export function toParts(path: string, file: string): ConfigPath | Issue {
  const parts = parsePath(path);
  if (parts === null) return toIssue(file, path, "this is not a key path", 'write it as "agents.list[0].sandbox.mode"');
  const forbidden = parts.find((part) => FORBIDDEN_KEYS.includes(String(part)));
  return forbidden === undefined ? parts : toIssue(file, path, `the key "${forbidden}" cannot be used`);
}

/** Nothing but space and comments. */
function isBlank(text: string): boolean {
  const masked = maskComments(text);
  return masked.ok && masked.text.replace(/^\uFEFF/, "").trim() === "";
}

function toNewFile(text: string, parts: ConfigPath, valueText: string, file: string): SetResult {
  const style: Style = { quote: "", unit: INDENT_DEFAULT, lineEnd: text.includes("\r\n") ? "\r\n" : "\n" };
  const nested = renderNested(parts, valueText, style, "");
  if (nested === null) return { ok: false, issue: toIssue(file, renderPath(parts), "a new list starts at index 0") };
  const before = text === "" || /[\n\r]$/.test(text) ? text : `${text}${style.lineEnd}`;
  return { ok: true, text: `${before}${nested}${style.lineEnd}` };
}

/** How far a path leads into a document. */
interface Place {
  /** The innermost node that is there. */
  readonly node: ValueNode;
  /** The path to it, with indexes as numbers and keys as strings. */
  readonly path: ConfigPath;
  /** What is missing. Empty: the node is the value. */
  readonly rest: ConfigPath;
  /** The nearest member on the way, for its quotes. */
  readonly member: MemberNode | null;
}

function findPlace(root: ValueNode, masked: string, parts: ConfigPath): Place {
  let node = root;
  let member: MemberNode | null = null;
  const path: (string | number)[] = [];
  for (const [depth, part] of parts.entries()) {
    const index = typeof part === "number" ? part : /^\d{1,9}$/.test(part) ? Number(part) : Number.NaN;
    const found: MemberNode | undefined = node.type === "Object" ? findMember(node, masked, String(part)) : undefined;
    const next: ValueNode | undefined = node.type === "Array" ? node.elements[index]?.value : found?.value;
    if (next === undefined)
      return { node, path, rest: parts.slice(depth), member: node.type === "Object" ? (node.members.at(-1) ?? member) : member };
    path.push(node.type === "Array" ? index : String(part));
    member = found ?? member;
    node = next;
  }
  return { node, path, rest: [], member };
}

export function findMember(node: ObjectNode, masked: string, key: string): MemberNode | undefined {
  return node.members.find((member) => toKey(masked, member) === key);
}

interface Style {
  /** The quote around keys; empty: none where the key allows it. */
  readonly quote: string;
  /** One level of indentation. */
  readonly unit: string;
  readonly lineEnd: string;
}

function editText(text: string, parts: ConfigPath, valueText: string, file: string): SetResult {
  const syntax = parseSyntax(file, text);
  if (!syntax.ok) return { ok: false, issue: syntax.issue };
  const place = findPlace(syntax.document.body, syntax.masked, parts);
  const { node, rest } = place;
  if (rest.length === 0) return { ok: true, text: splice(text, toRange(node), valueText) };
  const path = renderPath(parts);
  const style = toStyle(text, syntax.masked, syntax.document.body, place.member);
  if (node.type === "Object") return insert({ text, masked: syntax.masked, node, style, file, path }, rest, valueText);
  if (node.type !== "Array")
    return {
      ok: false,
      issue: toIssue(file, path, `${renderPath(place.path) || "the file"} is neither an object nor a list`, "set it first"),
    };
  const [index, ...below] = rest;
  if (Number(index) !== node.elements.length)
    return {
      ok: false,
      issue: toIssue(file, path, `the list has ${node.elements.length} entries`, `the next index is ${node.elements.length}`),
    };
  return insert({ text, masked: syntax.masked, node, style, file, path }, [null, ...below], valueText);
}

const splice = (text: string, [start, end]: readonly [number, number], insertion: string): string =>
  text.slice(0, start) + insertion + text.slice(end);

function toStyle(text: string, masked: string, root: ValueNode, member: MemberNode | null): Style {
  const [start] = member === null ? [0] : toRange(member.name);
  const quote = member?.name.type === "String" ? masked.charAt(start) : "";
  const first = root.type === "Object" ? root.members[0] : undefined;
  const indent = first === undefined ? "" : toIndent(text, toRange(first.name)[0]);
  return { quote, unit: indent === null || indent === "" ? INDENT_DEFAULT : indent, lineEnd: text.includes("\r\n") ? "\r\n" : "\n" };
}

/** The white space before `offset` if nothing else stands before it on its line; else null. */
function toIndent(text: string, offset: number): string | null {
  const line = text.slice(Math.max(text.lastIndexOf("\n", offset - 1), text.lastIndexOf("\r", offset - 1)) + 1, offset);
  return /^\s*$/.test(line) ? line : null;
}

/** The white space with which the line of `offset` begins. */
function toLineIndent(text: string, offset: number): string {
  return /[^\n\r]*$/.exec(text.slice(0, offset))?.[0].match(/^[ \t]*/)?.[0] ?? "";
}

interface Container {
  readonly text: string;
  readonly masked: string;
  readonly node: ValueNode & { type: "Object" | "Array" };
  readonly style: Style;
  readonly file: string;
  readonly path: string;
}

/** Adds one entry after the last one, on a line of its own where the others have theirs. `rest[0]` is its key, null in a list. */
function insert(container: Container, [key, ...below]: readonly (string | number | null)[], valueText: string): SetResult {
  const { text, masked, node, style } = container;
  const [open, end] = toRange(node);
  const close = end - 1;
  const children = node.type === "Object" ? node.members : node.elements;
  const [first, last] = [children[0], children.at(-1)];
  const isMultiline = first === undefined || toIndent(text, toRange(first)[0]) !== null;
  const indent =
    isMultiline && last !== undefined
      ? (toIndent(text, toRange(last)[0]) ?? toLineIndent(text, toRange(last)[0]))
      : `${toLineIndent(text, open)}${style.unit}`;
  const inner = renderNested(
    below.map((part) => part ?? 0),
    valueText,
    isMultiline ? style : { ...style, lineEnd: "" },
    indent,
  );
  if (inner === null) return { ok: false, issue: toIssue(container.file, container.path, "a new list starts at index 0") };
  const entry = key === null || key === undefined ? inner : `${renderKey(String(key), style.quote)}: ${inner}`;
  if (last === undefined) {
    const kept = text.slice(open + 1, close).trimEnd();
    return {
      ok: true,
      text: splice(text, [open + 1, close], `${kept}${style.lineEnd}${indent}${entry}${style.lineEnd}${toLineIndent(text, open)}`),
    };
  }
  const lastEnd = toRange(last)[1];
  if (!isMultiline) return { ok: true, text: splice(text, [lastEnd, lastEnd], `, ${entry}`) };
  const hasTrailingComma = masked.slice(lastEnd, close).includes(",");
  const tail = text.slice(lastEnd, close);
  const kept = tail.trimEnd();
  const closing = kept.length < tail.length ? tail.slice(kept.length) : `${style.lineEnd}${toLineIndent(text, open)}`;
  const added = `${hasTrailingComma ? "" : ","}${kept}${style.lineEnd}${indent}${entry}${hasTrailingComma ? "," : ""}${/[\n\r]/.test(closing) ? closing : style.lineEnd + toLineIndent(text, open)}`;
  return { ok: true, text: splice(text, [lastEnd, close], added) };
}

/** The value inside the objects and lists that `parts` still need; null where a new list would not begin at 0. */
function renderNested(parts: ConfigPath, valueText: string, style: Style, indent: string): string | null {
  const [part, ...rest] = parts;
  if (part === undefined) return valueText;
  if (typeof part === "number" && part !== 0) return null;
  const inner = renderNested(rest, valueText, style, `${indent}${style.unit}`);
  if (inner === null) return null;
  const entry = typeof part === "number" ? inner : `${renderKey(part, style.quote)}: ${inner}`;
  const [opening, closing] = typeof part === "number" ? ["[", "]"] : ["{", "}"];
  if (style.lineEnd === "") return typeof part === "number" ? `[${entry}]` : `{ ${entry} }`;
  return `${opening}${style.lineEnd}${indent}${style.unit}${entry}${style.lineEnd}${indent}${closing}`;
}

function renderKey(key: string, quote: string): string {
  if (quote === "" && BARE_KEY.test(key)) return key;
  const quoted = JSON.stringify(key);
  return quote === "'" ? `'${quoted.slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'` : quoted;
}
