// JSON5 text becomes a tree with positions, or issues in words a person understands. Pure: the text is an argument.
// Which keys may be there is not decided here, except those that no config may have: doubled ones and the prototype's.
import { type DocumentNode, type MemberNode, parse as parseMomoa, type ValueNode } from "@humanwhocodes/momoa";
import json5 from "json5";
import type { Issue } from "../issue.ts";
import { scan } from "./scan.ts";
import { type ConfigLocation, type ConfigMember, type ConfigNode, type ConfigPath, renderPath } from "./tree.ts";

/** One file. The largest config seen in the wild is under 64 KiB. */
export const CONFIG_BYTES_MAX = 1_048_576;
/** `agents.list[0].sandbox.docker.ulimits.nofile.soft` needs 8. */
export const CONFIG_DEPTH_MAX = 64;
const ISSUES_MAX = 50;
export const FORBIDDEN_KEYS: readonly string[] = ["__proto__", "constructor", "prototype"];
const LINE_END = /\r\n|[\n\r\u2028\u2029]/g;

export type ParsedText = { ok: true; root: ConfigNode } | { ok: false; issues: Issue[] };

/** Turns an offset into a line and a column. */
export class LineTable {
  readonly #file: string;
  readonly #starts: readonly number[];

  constructor(file: string, text: string) {
    this.#file = file;
    this.#starts = [0, ...text.matchAll(LINE_END).map((match) => match.index + match[0].length)];
  }

  locate(offset: number): ConfigLocation {
    let low = 0;
    let high = this.#starts.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((this.#starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { file: this.#file, line: low + 1, column: offset - (this.#starts[low] ?? 0) + 1 };
  }
}

type Masked = { ok: true; text: string } | { ok: false; offset: number; message: string };

/**
 * The text with comments blanked out, offsets unchanged, so that neither parser recurses over them; and, before any parser
 * sees the text, the depth limit.
 */
export function maskComments(text: string): Masked {
  let masked = "";
  let end = 0;
  let depth = 0;
  for (const token of scan(text)) {
    if (token.kind === "open") depth += 1;
    if (token.kind === "close") depth -= 1;
    if (depth > CONFIG_DEPTH_MAX) return { ok: false, offset: token.start, message: `nested deeper than ${CONFIG_DEPTH_MAX} levels` };
    if (token.kind !== "comment") continue;
    if (!token.closed) return { ok: false, offset: token.start, message: "this comment is never closed: */ is missing" };
    masked += text.slice(end, token.start) + text.slice(token.start, token.end).replace(/[^\n\r\u2028\u2029]/g, " ");
    end = token.end;
  }
  return { ok: true, text: masked + text.slice(end) };
}

/** The document's syntax tree with ranges into `text`, or one issue. */
export function parseSyntax(
  file: string,
  text: string,
): { ok: true; document: DocumentNode; masked: string } | { ok: false; issue: Issue } {
  const lines = new LineTable(file, text);
  const fail = (at: ConfigLocation | null, message: string, fix?: string) => ({
    ok: false as const,
    issue: { severity: "error" as const, path: "", message, ...(at ?? { file }), ...(fix === undefined ? {} : { fix }) },
  });
  if (text.length > CONFIG_BYTES_MAX) return fail(null, `the file is larger than ${CONFIG_BYTES_MAX} bytes`);
  const masked = maskComments(text);
  if (!masked.ok) return fail(lines.locate(masked.offset), masked.message);
  if (masked.text.replace(/^\uFEFF/, "").trim() === "") return fail(lines.locate(0), "the file is empty", "write {} to use the defaults");
  try {
    // The library of record decides what is JSON5. U+2028 in a string makes it print a warning; a space is accepted at the same places.
    json5.parse(masked.text.replace(/[\u2028\u2029]/g, " "));
    return { ok: true, document: parseMomoa(masked.text, { mode: "json5", ranges: true }), masked: masked.text };
  } catch (error) {
    const { offset, message, fix } = explainSyntaxError(masked.text, error);
    return fail(offset === null ? null : lines.locate(offset), message, fix);
  }
}

interface SyntaxProblem {
  readonly offset: number | null;
  readonly message: string;
  readonly fix?: string;
}

const JSON5_ERROR = /^JSON5: (invalid character '(.*)'|invalid end of input|invalid identifier character|Numbers? .*|.*) at (\d+):(\d+)$/s;

function explainSyntaxError(masked: string, error: unknown): SyntaxProblem {
  const text = error instanceof Error ? error.message : String(error);
  const match = JSON5_ERROR.exec(text);
  if (match === null)
    // The library of record accepted it, the syntax tree's parser did not: the one known case are unquoted keys beyond the basic plane.
    return {
      offset: toMomoaOffset(error),
      message: `this cannot be read: ${text.replace(/\.?\s*\(\d+:\d+\)$/, "")}`,
      fix: "put the key in quotes",
    };
  const offset = toJson5Offset(masked, Number(match[3]), Number(match[4]));
  if (match[1] === "invalid end of input") {
    const open = findUnclosed(masked);
    return open === null
      ? { offset: masked.trimEnd().length, message: "the file ends too early" }
      : { offset: open.offset, message: `this ${open.bracket} is never closed`, fix: `add ${open.closing}` };
  }
  if (match[2] === undefined) return { offset, message: `this is not JSON5: ${match[1]}` };
  return explainCharacter(masked, offset, match[2]);
}

function explainCharacter(masked: string, offset: number, character: string): SyntaxProblem {
  const isLineEnd = /^\\[nr]$|^\\u202[89]$/.test(character);
  if (isLineEnd) return { offset: Math.max(0, offset - 1), message: "the text in quotes does not end on its line", fix: "close the quote" };
  const shown = character.replace(/^\\(?=['"])/, "");
  const before = masked.slice(0, offset).trimEnd();
  const inEscape = /\\[ux]?[0-9a-f]*$/i.test(before);
  if (inEscape) return { offset, message: `unexpected ${shown} in an escape sequence` };
  if (/^["'\w[{+.-]/.test(shown) && /["'\]}\w]$/.test(before))
    return { offset, message: `unexpected ${shown}`, fix: "a comma is probably missing before it" };
  if (shown === "}" || shown === "]")
    return { offset, message: `unexpected ${shown}`, fix: "a value is missing before it, or a bracket is closed twice" };
  return { offset, message: `unexpected ${shown}` };
}

/** json5 counts a line at every `\n`, `\r\n`, U+2028 and its columns from 1 (code points). */
function toJson5Offset(masked: string, line: number, column: number): number {
  let start = 0;
  for (let skipped = 1; skipped < line; skipped += 1) {
    const next = masked.indexOf("\n", start);
    if (next === -1) break;
    start = next + 1;
  }
  const characters = [...masked.slice(start, start + column * 2)].slice(0, Math.max(0, column - 1));
  return Math.min(masked.length, start + characters.join("").length);
}

function toMomoaOffset(error: unknown): number | null {
  return error instanceof Error && "offset" in error && typeof error.offset === "number" ? error.offset : null;
}

function findUnclosed(masked: string): { offset: number; bracket: string; closing: string } | null {
  const open: number[] = [];
  for (const token of scan(masked)) {
    if (token.kind === "open") open.push(token.start);
    else if (token.kind === "close") open.pop();
    else if (!token.closed) return { offset: token.start, bracket: masked.charAt(token.start), closing: masked.charAt(token.start) };
  }
  const offset = open.at(-1);
  if (offset === undefined) return null;
  const bracket = masked.charAt(offset);
  return { offset, bracket, closing: bracket === "{" ? "}" : "]" };
}

/** The text as a tree. Every doubled key and every key that could touch a prototype is an issue. */
export function parseText(file: string, text: string): ParsedText {
  const syntax = parseSyntax(file, text);
  if (!syntax.ok) return { ok: false, issues: [syntax.issue] };
  const builder = new TreeBuilder(syntax.masked, new LineTable(file, text));
  const root = builder.build(syntax.document.body, []);
  return builder.issues.length === 0 ? { ok: true, root } : { ok: false, issues: builder.issues.slice(0, ISSUES_MAX) };
}

class TreeBuilder {
  readonly issues: Issue[] = [];
  readonly #text: string;
  readonly #lines: LineTable;

  constructor(text: string, lines: LineTable) {
    this.#text = text;
    this.#lines = lines;
  }

  build(node: ValueNode, path: ConfigPath): ConfigNode {
    const [start, end] = toRange(node);
    const at = this.#lines.locate(start);
    switch (node.type) {
      case "Object":
        return { kind: "object", at, members: this.#buildMembers(node.members, path) };
      case "Array":
        return { kind: "array", at, items: node.elements.map((element, index) => this.build(element.value, [...path, index])) };
      case "String":
      case "Number":
      case "Boolean":
      case "Null":
      case "NaN":
      case "Infinity":
        return { kind: "scalar", at, value: readScalar(this.#text.slice(start, end), node) };
    }
  }

  #buildMembers(nodes: readonly MemberNode[], path: ConfigPath): ConfigMember[] {
    const members = new Map<string, ConfigMember>();
    for (const node of nodes) {
      const key = toKey(this.#text, node);
      const at = this.#lines.locate(toRange(node.name)[0]);
      const before = members.get(key);
      const report = (message: string) => this.issues.push({ severity: "error", path: renderPath([...path, key]), message, ...at });
      if (FORBIDDEN_KEYS.includes(key)) report("this key cannot be used");
      else if (before !== undefined) report(`this key is already set on line ${before.at.line}`);
      else members.set(key, { key, at, value: this.build(node.value, [...path, key]) });
    }
    return [...members.values()];
  }
}

/** Start and end offset; always there, since ranges are asked for. */
export function toRange(node: { range?: unknown; loc: { start: { offset: number }; end: { offset: number } } }): readonly [number, number] {
  return [node.loc.start.offset, node.loc.end.offset];
}

/** The library of record reads every escape and number, so that two readings of one text cannot differ. */
export function readScalar(slice: string, node: ValueNode): string | number | boolean | null {
  if (node.type === "Boolean") return node.value;
  if (node.type === "Null") return null;
  if (node.type === "String" && (!slice.includes("\\") || /[\u2028\u2029]/.test(slice))) return node.value;
  const value: unknown = json5.parse(slice);
  return typeof value === "string" || typeof value === "number" ? value : null;
}

export function toKey(masked: string, member: MemberNode): string {
  const [start, end] = toRange(member.name);
  const slice = masked.slice(start, end);
  if (member.name.type === "Identifier") return slice.includes("\\") ? member.name.name : slice;
  if (!slice.includes("\\") || /[\u2028\u2029]/.test(slice)) return member.name.value;
  return String(json5.parse(slice));
}
