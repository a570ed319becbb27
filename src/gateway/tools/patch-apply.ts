// What the hunks of a patch do to a file's text, and what all of a patch does to all files. Pure, but for the reading that it asks for.
// The format is patch.ts; writing the result is files.ts.
import { posix } from "node:path";
import { isErrorCode, OperationError } from "../../api/errors.ts";
import { type DecodedFile, decodeFile } from "../../api/text/decoded-file.ts";
import { BYTE_ORDER_MARK, toShownText } from "../../api/text/encoding.ts";
import { endAt, type LineEnd, type Lines, splitLines } from "../../api/text/line-ends.ts";
import { hasNeutralMark, neutralise, toNeutral, withMarksOf } from "../../api/text/template-marks.ts";
import type { FileChange, WholeFile } from "./files.ts";
import type { FilePatch, Hunk, HunkLine } from "./patch.ts";

/**
 * Lines that are not changed are as they were, each with its line end. New ones take the ends of the lines whose place they take, or those of
 * their neighbours; a byte order mark stays in front of whatever is the first line then.
 * @throws OperationError `InvalidArgument` with the hunk's line in the patch
 */
export function applyHunks(text: string, hunks: readonly Hunk[], path: string): string {
  const mark = text.startsWith(BYTE_ORDER_MARK) ? BYTE_ORDER_MARK : "";
  const old = splitLines(text.slice(mark.length));
  const shown = text.isWellFormed() ? old.texts : old.texts.map(toShownText);
  const search: LineSearch = { lines: shown, comparisonsLeft: COMPARISONS_MAX };
  const result = new PatchedLines(old);
  for (const hunk of hunks) {
    const placed = placeHunk(search, hunk, result.done, path);
    const { at } = placed;
    const lines = withRawMarks(placed, shown);
    result.keepUntil(at);
    for (const { kind, text: line } of lines) {
      if (kind === "add") result.add(withoutMark(line));
      // As the file has it: its white space at the line's end may be another.
      else if (kind === "keep") result.keepUntil(result.done + 1);
      else result.remove();
    }
  }
  result.keepUntil(old.texts.length);
  return `${mark}${result.toText()}`;
}

const withoutMark = (line: string): string => (line.startsWith(BYTE_ORDER_MARK) ? line.slice(1) : line);

/** Of a hunk whose lines were shown with a space in marks of chats' templates: what it adds has the marks that it takes away. */
function withRawMarks({ at, lines }: PlacedHunk, shown: readonly string[]): readonly HunkLine[] {
  const old = lines.filter(({ kind }) => kind !== "add");
  const removed = old.flatMap(({ kind, text }, index) => (kind === "remove" ? [{ text, was: shown[at + index] ?? "" }] : []));
  if (!removed.some(({ text, was }) => hasNeutralMark(text) && text.trimEnd() !== was.trimEnd())) return lines;
  const neutral = toNeutral(removed.map(({ was }) => was).join("\n"));
  const added = withMarksOf(neutral, lines.flatMap(({ kind, text }) => (kind === "add" ? [text] : [])).join("\n")).split("\n");
  return lines.map((line) => (line.kind === "add" ? { ...line, text: added.shift() ?? line.text } : line));
}

class PatchedLines {
  readonly #old: Lines;
  readonly #pieces: string[] = [];
  /** Of the lines that were removed right before; new ones take them first. */
  #removedEnds: LineEnd[] = [];
  /** Of the newest line, which is not in the pieces yet; null: not decided, as it depends on what comes behind it. */
  #end: LineEnd | null = null;
  #neighbour: LineEnd = "";
  #hasLine = false;
  /** How many of the old lines are dealt with. */
  done = 0;

  constructor(old: Lines) {
    this.#old = old;
  }

  keepUntil(line: number): void {
    for (; this.done < line; this.done += 1) {
      this.#removedEnds = [];
      this.#put(this.#old.texts[this.done] ?? "", endAt(this.#old, this.done));
    }
  }

  remove(): void {
    this.#removedEnds.push(endAt(this.#old, this.done));
    this.done += 1;
  }

  add(text: string): void {
    this.#put(text, this.#removedEnds.shift() || null);
  }

  toText(): string {
    const { texts } = this.#old;
    const hadLastEnd = texts.length === 0 || endAt(this.#old, texts.length - 1) !== "";
    if (this.#hasLine && (this.#end !== null || hadLastEnd)) this.#pieces.push(this.#end ?? this.#toNeighbour());
    return this.#pieces.join("");
  }

  #put(text: string, end: LineEnd | null): void {
    if (this.#hasLine) this.#pieces.push(this.#end || this.#toNeighbour());
    this.#pieces.push(text);
    this.#hasLine = true;
    if (this.#end) this.#neighbour = this.#end;
    this.#end = end;
  }

  /** The end of the line before, or behind, or the one that patches have themselves. */
  #toNeighbour(): LineEnd {
    return this.#neighbour || endAt(this.#old, this.done) || endAt(this.#old, 0) || "\n";
  }
}

/** One or two seconds: whoever patches must not keep everybody else waiting. */
const COMPARISONS_MAX = 20_000_000;

interface LineSearch {
  readonly lines: readonly string[];
  /** As a model was shown them. Absent: nobody asked yet. */
  neutral?: readonly string[];
  /** For all hunks of the file together. */
  comparisonsLeft: number;
}

interface PlacedHunk {
  /** Index of the first line that the hunk is about. */
  at: number;
  lines: readonly HunkLine[];
}

/** With the blank lines at the hunk's end as lines of the file, else without them. */
function placeHunk(search: LineSearch, hunk: Hunk, from: number, path: string): PlacedHunk {
  const { lines, blanksAtEnd = 0 } = hunk;
  try {
    return { at: findHunk(search, hunk, from, path), lines };
  } catch (error) {
    if (blanksAtEnd === 0 || !isErrorCode(error, "InvalidArgument")) throw error;
    const shorter = lines.slice(0, -blanksAtEnd);
    return { at: findHunk(search, { ...hunk, lines: shorter }, from, path), lines: shorter };
  }
}

function findHunk(search: LineSearch, { anchors, lines: hunkLines, isAtEnd, line }: Hunk, from: number, path: string): number {
  const { lines } = search;
  const refuse = (message: string): never => {
    const fix = "read the file again; the lines must be there in this order";
    throw new OperationError("InvalidArgument", `patch, line ${line}: ${JSON.stringify(path)} ${message}`, { fix });
  };
  let start = from;
  for (const anchor of anchors) {
    const found = findLines(search, [anchor], start);
    start = found === -1 ? refuse(`has no line ${JSON.stringify(anchor)} from its line ${start + 1} on`) : found + 1;
  }
  const old = hunkLines.filter(({ kind }) => kind !== "add").map(({ text }) => withoutMark(text));
  if (old.length === 0) return anchors.length > 0 && !isAtEnd ? start : lines.length;
  if (isAtEnd) {
    const last = lines.length - old.length;
    return last >= start && matches(search, { lines, wanted: old, same: toNeutralLine }, last)
      ? last
      : refuse("does not end with the lines of this hunk");
  }
  // An anchor may be the first line of the hunk too.
  const found = findLines(search, old, anchors.length > 0 ? start - 1 : start);
  return found === -1 ? refuse(`does not have the lines of this hunk from its line ${start + 1} on: ${JSON.stringify(old[0])} ...`) : found;
}

const SAME: readonly ((line: string) => string)[] = [(line) => line, (line) => line.trimEnd()];

/** As a model was shown it. */
const toNeutralLine = (line: string): string => neutralise(line.trimEnd());

/** The first place where they are exactly so, else the first where they are but for white space at the lines' ends, else as a model was shown them. */
function findLines(search: LineSearch, wanted: readonly string[], from: number): number {
  for (const same of SAME) {
    const found = findIn(search, { lines: search.lines, wanted, same }, from);
    if (found !== -1) return found;
  }
  if (!wanted.some(hasNeutralMark)) return -1;
  search.neutral ??= search.lines.map(toNeutralLine);
  return findIn(search, { lines: search.neutral, wanted: wanted.map(toNeutralLine), same: (line) => line }, from);
}

function findIn(search: LineSearch, compared: Compared, from: number): number {
  for (let at = Math.max(0, from); at + compared.wanted.length <= compared.lines.length; at += 1)
    if (matches(search, compared, at)) return at;
  return -1;
}

interface Compared {
  lines: readonly string[];
  wanted: readonly string[];
  same(line: string): string;
}

/** @throws OperationError `LimitExceeded` */
function matches(search: LineSearch, { lines, wanted, same }: Compared, at: number): boolean {
  const differs = wanted.findIndex((line, index) => same(lines[at + index] ?? "") !== same(line));
  search.comparisonsLeft -= differs === -1 ? wanted.length : differs + 1;
  if (search.comparisonsLeft >= 0) return differs === -1;
  const fix = "make several smaller ones, with lines that are exactly those of the file";
  throw new OperationError("LimitExceeded", "the patch has too many hunks for a file of so many lines", { fix, retryable: false });
}

/** What a path holds: before the patch, and so far. */
interface PatchedFile {
  readonly path: string;
  /** null: nothing was there. */
  readonly before: WholeFile | null;
  /** null: nothing is there. */
  readonly now: Buffer | null;
  /** Where it was, if it was moved here. */
  readonly movedFrom: string | null;
}

/** The changes that a patch comes to, each path once. @throws OperationError `InvalidArgument`, and what `read` throws */
export async function planPatch(
  patches: readonly FilePatch[],
  workdir: string,
  read: (path: string) => Promise<WholeFile>,
): Promise<FileChange[]> {
  const files = new Map<string, PatchedFile>();
  for (const patch of patches) {
    const { path, line } = patch;
    const key = toKey(workdir, path);
    if (patch.kind === "add") {
      const now = Buffer.from(patch.lines.map((text) => `${text}\n`).join(""));
      files.set(key, toNew({ path, now, movedFrom: null }, files.get(key), line));
      continue;
    }
    const { now, ...file } = await toOld(path, files.get(key), { line, read });
    if (patch.kind === "delete" || patch.moveTo !== null) files.set(key, { ...file, now: null });
    if (patch.kind === "delete") continue;
    const data = patch.hunks.length === 0 ? now : patchData(toFile(now, path), patch.hunks, path);
    if (patch.moveTo === null) {
      files.set(key, { ...file, now: data });
      continue;
    }
    const target = toKey(workdir, patch.moveTo);
    const movedFrom = file.before === null ? file.movedFrom : path;
    files.set(target, toNew({ path: patch.moveTo, now: data, movedFrom }, files.get(target), line));
  }
  return [...files.values()].flatMap(toChange);
}

/** A file where the patch, so far, leaves none. */
function toNew(file: Omit<PatchedFile, "before">, known: PatchedFile | undefined, line: number): PatchedFile {
  if (known === undefined || known.now === null) return { ...file, before: known?.before ?? null };
  throw new OperationError("InvalidArgument", `patch, line ${line}: ${JSON.stringify(file.path)} is there already`);
}

/** A file that is there by then: as the patch left it, or as it is read. */
async function toOld(
  path: string,
  known: PatchedFile | undefined,
  { line, read }: { line: number; read: (path: string) => Promise<WholeFile> },
): Promise<PatchedFile & { now: Buffer }> {
  if (known === undefined) {
    const before = await read(path);
    return { path, before, now: before.data, movedFrom: null };
  }
  if (known.now !== null) return { ...known, now: known.now };
  throw new OperationError("InvalidArgument", `patch, line ${line}: ${JSON.stringify(path)} is gone by then`);
}

function toChange({ path, before, now, movedFrom }: PatchedFile): FileChange[] {
  if (now === null) return before === null ? [] : [{ kind: "drop", path, expected: before }];
  if (before === null) return [{ kind: "put", path, data: now, expected: "none", like: movedFrom }];
  return now.equals(before.data) ? [] : [{ kind: "put", path, data: now, expected: before, like: null }];
}

/** The same for paths that are certainly one file. What `..` leads to only the sandbox knows. */
const toKey = (workdir: string, path: string): string => (path.split("/").includes("..") ? path : posix.resolve(workdir, path));

const patchData = (file: DecodedFile, hunks: readonly Hunk[], path: string): Buffer => file.encode(applyHunks(file.text, hunks, path));

function toFile(data: Buffer, path: string): DecodedFile {
  const file = decodeFile(data);
  if (file === null) throw new OperationError("InvalidArgument", `patch: ${JSON.stringify(path)} is no text`);
  return file;
}
