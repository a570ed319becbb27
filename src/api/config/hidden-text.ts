// A config's text as it may be shown and edited where its secrets must not be: every value that may be one is `"(set)"`, every comment a numbered
// placeholder, every line where it was. And the way back, for an edit that leaves what is hidden, `${NAME}` and `$include` where they are.
// What an edit means is parse.ts's; what may be a secret is masked.ts's.
import type { DocumentNode, ValueNode } from "@humanwhocodes/momoa";
import type { Issue } from "../issue.ts";
import { INCLUDE_KEY } from "./include.ts";
import { isSecretBranch, isSecretKey, MASK, mayHoldLogin } from "./masked.ts";
import { scan } from "./scan.ts";
import { hasReference } from "./substitute.ts";
import { LineTable, parseSyntax, readScalar, toKey, toRange } from "./text.ts";

/** A value where it stands. */
interface Scalar {
  readonly start: number;
  readonly end: number;
  /** Keys without the positions in lists, so that an entry of a list may move. */
  readonly place: string;
  /** null: it is no text. */
  readonly value: string | null;
  readonly isSecret: boolean;
  readonly isInclude: boolean;
}

interface Piece {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

export interface HiddenText {
  /** Fit to be shown. */
  readonly text: string;
  /** What stands behind each `"(set)"`, in order. */
  readonly secrets: readonly { readonly source: string; readonly place: string; readonly lines: string }[];
  /** What stands behind each comment, the first under 1. */
  readonly comments: readonly { readonly source: string; readonly placeholder: string }[];
  /** Values that only count where they stand: what a variable or another file adds there is not told anywhere else. */
  readonly bound: ReadonlySet<string>;
}

export type HideResult = { ok: true; hidden: HiddenText } | { ok: false; issue: Issue };
export type RestoreResult = { ok: true; text: string } | { ok: false; issues: Issue[] };

const PLACEHOLDER = /^\/[/*] \(comment (\d{1,6})\)/;
const ISSUES_MAX = 50;
const ELSEWHERE = "edit the file itself: openclaw config set, or an editor";

/** @param file as issues name it. A text that is no JSON5 can't be hidden. */
export function hideText(file: string, text: string): HideResult {
  const syntax = parseSyntax(file, text);
  if (!syntax.ok) return syntax;
  const scalars = listScalars(syntax.document, syntax.masked);
  const hiddenScalars = scalars.filter(({ isSecret, value }) => isSecret || value === MASK);
  const comments = [...scan(text)].filter(({ kind }) => kind === "comment").map(({ start, end }) => ({ start, end }));
  const placeholders = comments.map(({ start, end }, at) => toPlaceholder(text.slice(start, end), at + 1));
  const shown = replacePieces(text, [
    ...hiddenScalars.map(({ start, end }) => ({ start, end, text: toMaskSource(text.slice(start, end)) })),
    ...comments.map(({ start, end }, at) => ({ start, end, text: placeholders[at] ?? "" })),
  ]);
  const again = parseSyntax(file, shown);
  if (!again.ok) return again;
  const masks = listScalars(again.document, again.masked).filter(({ value }) => value === MASK);
  const secrets = hiddenScalars.map(({ start, end, place }, at) => ({
    source: text.slice(start, end),
    place,
    lines: linesOf(shown, masks[at]),
  }));
  const known = comments.map(({ start, end }, at) => ({ source: text.slice(start, end), placeholder: placeholders[at] ?? "" }));
  return { ok: true, hidden: { text: shown, secrets, comments: known, bound: new Set(scalars.filter(isBound).map(toBound)) } };
}

/** The edited text with everything that was hidden, or why it can't be put back. */
export function restoreText(file: string, hidden: HiddenText, edited: string): RestoreResult {
  const syntax = parseSyntax(file, edited);
  if (!syntax.ok) return { ok: false, issues: [syntax.issue] };
  const lines = new LineTable(file, edited);
  const scalars = listScalars(syntax.document, syntax.masked);
  const masks = scalars.filter(({ value }) => value === MASK);
  const comments = [...scan(edited)].filter(({ kind }) => kind === "comment");
  const issueAt = (start: number, message: string, fix: string): Issue => ({
    ...{ severity: "error", path: "", message, fix },
    ...lines.locate(start),
  });
  const issues = [
    ...findMoved(hidden, edited, masks).map((start) =>
      issueAt(start, "this value is hidden here, and its line must stay as it is", ELSEWHERE),
    ),
    ...scalars
      .filter((scalar) => isBound(scalar) && scalar.value !== MASK && !hidden.bound.has(toBound(scalar)))
      .map(({ start, isInclude }) => {
        const what = isInclude
          ? "a file can only be included here as it is in the config in force"
          : "a variable is only filled in where the config in force has it";
        return issueAt(start, what, "plan this edit on the host: openclaw sandbox plan --config FILE");
      }),
    ...comments
      .filter(({ start, end }) => isChangedComment(hidden, edited.slice(start, end)))
      .map(({ start }) => issueAt(start, "a hidden comment can be kept or removed, not changed", ELSEWHERE)),
  ];
  if (issues.length > 0) return { ok: false, issues: issues.slice(0, ISSUES_MAX) };
  const pieces = [
    ...masks.map(({ start, end }, at) => ({ start, end, text: hidden.secrets[at]?.source ?? "" })),
    ...comments.map(({ start, end }) => ({ start, end, text: sourceOf(hidden, edited.slice(start, end)) })),
  ];
  return { ok: true, text: replacePieces(edited, pieces) };
}

/** Offsets of hidden values that are not where they were; the end of the text for those that are gone. */
function findMoved({ secrets }: HiddenText, edited: string, masks: readonly Scalar[]): number[] {
  const moved = masks.find((mask, at) => mask.place !== secrets[at]?.place || linesOf(edited, mask) !== secrets[at]?.lines);
  if (moved !== undefined) return [moved.start];
  return masks.length < secrets.length ? [edited.length] : [];
}

function sourceOf({ comments }: HiddenText, token: string): string {
  const known = comments[Number(PLACEHOLDER.exec(token)?.[1] ?? 0) - 1];
  return known?.placeholder === token ? known.source : token;
}

function isChangedComment({ comments }: HiddenText, token: string): boolean {
  const known = comments[Number(PLACEHOLDER.exec(token)?.[1] ?? 0) - 1];
  return known !== undefined && known.placeholder !== token;
}

const isBound = ({ value, isInclude }: Scalar): boolean => isInclude || (value !== null && hasReference(value));
const toBound = ({ place, value }: Scalar): string => JSON.stringify([place, value]);

/** The whole lines on which it stands. */
function linesOf(text: string, scalar: Scalar | undefined): string {
  if (scalar === undefined) return "";
  const before = /[^\n\r]*$/.exec(text.slice(0, scalar.start))?.[0] ?? "";
  const after = /^[^\n\r]*/.exec(text.slice(scalar.end))?.[0] ?? "";
  return before + text.slice(scalar.start, scalar.end) + after;
}

/** As many lines as before: what stands below keeps its number. */
const toMaskSource = (source: string): string => `"${MASK}${(source.match(/\r\n|[\n\r]/g) ?? []).map((end) => `\\${end}`).join("")}"`;

function toPlaceholder(comment: string, number: number): string {
  if (comment.startsWith("//")) return `// (comment ${number})`;
  return `/* (comment ${number})${comment.replaceAll(/[^\n\r]/g, "")} */`;
}

function replacePieces(text: string, pieces: readonly Piece[]): string {
  let replaced = "";
  let at = 0;
  for (const piece of pieces.toSorted((one, other) => one.start - other.start)) {
    replaced += text.slice(at, piece.start) + piece.text;
    at = piece.end;
  }
  return replaced + text.slice(at);
}

interface Surroundings {
  readonly place: readonly string[];
  readonly isSecret: boolean;
  /** Everything in here is somebody's own, numbers too. */
  readonly isBranch: boolean;
  readonly isInclude: boolean;
}

/** In the order of the text. */
function listScalars({ body }: DocumentNode, masked: string): Scalar[] {
  const found: Scalar[] = [];
  const visit = (node: ValueNode, around: Surroundings): void => {
    if (node.type === "Object") for (const member of node.members) visit(member.value, enter(around, toKey(masked, member)));
    else if (node.type === "Array") for (const { value } of node.elements) visit(value, { ...around, place: [...around.place, "[]"] });
    else found.push(toScalar(masked, node, around));
  };
  visit(body, { place: [], isSecret: false, isBranch: false, isInclude: false });
  return found;
}

function enter({ place, isSecret, isBranch }: Surroundings, key: string): Surroundings {
  const isOwn = isBranch || isSecretBranch(key);
  return { place: [...place, key], isBranch: isOwn, isSecret: isSecret || isOwn || isSecretKey(key), isInclude: key === INCLUDE_KEY };
}

function toScalar(masked: string, node: ValueNode, { place, isSecret, isBranch, isInclude }: Surroundings): Scalar {
  const [start, end] = toRange(node);
  const read = readScalar(masked.slice(start, end), node);
  const value = typeof read === "string" ? read : null;
  const hides = value === null ? isBranch && typeof read === "number" : value !== "" && (isSecret || mayHoldLogin(value));
  return { start, end, place: JSON.stringify(place), value, isSecret: hides, isInclude };
}
