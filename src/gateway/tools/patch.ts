// Reads a patch in the `*** Begin Patch` format, as models really write it. What can't be understood in one way only is an error with its line. Pure.
// What may surround a patch is patch-envelope.ts, what it does to a file's text patch-apply.ts.
import { OperationError } from "../../api/errors.ts";
import { findEnvelope, isBegin, isEnd } from "./patch-envelope.ts";

/** Lines without their line ends. */
export interface Hunk {
  /** Lines to go to first, one after the other (`@@ line`); the hunk is looked for after them. */
  anchors: readonly string[];
  lines: readonly HunkLine[];
  /** How many lines at its end may be a line of the file, or only stand between it and what follows in the patch. Absent: none. */
  blanksAtEnd?: number;
  /** Whether it is the end of the file (`*** End of File`). */
  isAtEnd: boolean;
  /** Of the patch, where the hunk begins; from 1. */
  line: number;
}

export interface HunkLine {
  kind: "keep" | "remove" | "add";
  text: string;
}

export type FilePatch =
  | { kind: "add"; path: string; lines: readonly string[]; line: number }
  | { kind: "delete"; path: string; line: number }
  /** `moveTo` null: it stays where it is. */
  | { kind: "update"; path: string; moveTo: string | null; hunks: readonly Hunk[]; line: number };

const MARK = {
  begin: "*** Begin Patch",
  end: "*** End Patch",
  add: "*** Add File:",
  delete: "*** Delete File:",
  update: "*** Update File:",
};
const HEADER = /^\*{3}\s*(Add|Delete|Update)\s+File:(.*)$/i;
const MOVE = /^\*{3}\s*Move\s+to:(.*)$/i;
const END_OF_FILE = /^\*{3}\s*End\s+of\s+File\s*(?:\*{3})?\s*$/i;
/** `@@ -1,2 +1,3 @@`: numbers of lines, which are never trusted. */
const NUMBERED = /^@@\s*-(\d+)(?:,\d+)?\s+\+\d+(?:,\d+)?\s*@@/;
const NO_NEWLINE = /^\\ No newline at end of file\s*$/;

const SHOWN_LENGTH_MAX = 80;

/** @throws OperationError `InvalidArgument` with the line of the patch and what was expected there */
export function parsePatch(text: string): FilePatch[] {
  return new PatchReader(text).read();
}

class PatchReader {
  readonly #lines: readonly string[];
  readonly #to: number;
  #at: number;

  constructor(text: string) {
    const { lines, from, to } = findEnvelope(text);
    this.#lines = lines;
    this.#at = from;
    this.#to = to;
  }

  /** One patch after the other: a model may close one and open the next. */
  read(): FilePatch[] {
    const patches: FilePatch[] = [];
    do {
      if (!isBegin(this.#next() ?? "")) this.#refuse(`expected "${MARK.begin}"`);
      this.#skipBlanks();
      while (!isEnd(this.#peek() ?? "")) {
        patches.push(this.#readFile());
        this.#skipBlanks();
      }
      this.#at += 1;
      this.#skipBlanks();
    } while (isBegin(this.#peek() ?? ""));
    if (this.#peek() !== undefined) {
      this.#at += 1;
      this.#refuse(`expected nothing after "${MARK.end}"`);
    }
    if (patches.length === 0) this.#refuse("the patch changes no file");
    return patches;
  }

  #readFile(): FilePatch {
    const head = this.#next() ?? this.#refuse(`expected "${MARK.end}"`);
    const line = this.#at;
    const [, kind = "", name = ""] = HEADER.exec(head.trim()) ?? [];
    switch (kind.toLowerCase()) {
      case "add":
        return { kind: "add", path: this.#toPath(name, MARK.add), lines: this.#readAdded(), line };
      case "delete":
        return { kind: "delete", path: this.#toPath(name, MARK.delete), line };
      case "update":
        return this.#readUpdate(this.#toPath(name, MARK.update), line);
      default:
        return this.#refuse(`expected "${MARK.add} PATH", "${MARK.update} PATH", "${MARK.delete} PATH" or "${MARK.end}"`);
    }
  }

  #readAdded(): string[] {
    this.#skipDiffHead();
    if (/^@@(\s|$)/.test(this.#peek() ?? "")) this.#at += 1;
    const added: string[] = [];
    // Blank lines between others are the file's; those at the end stand before what follows in the patch.
    let blanks = 0;
    for (let line = this.#peek(); line !== undefined && !isMark(line); line = this.#peek()) {
      this.#at += 1;
      if (line.trim() === "") blanks += 1;
      else if (!NO_NEWLINE.test(line)) {
        if (!line.startsWith("+")) this.#refuse("expected a line that begins with + in a new file");
        added.push(...Array.from({ length: blanks }, () => ""), line.slice(1));
        blanks = 0;
      }
    }
    return added;
  }

  #readUpdate(path: string, line: number): FilePatch {
    let moveTo: string | null = null;
    const [, name] = MOVE.exec(this.#peek() ?? "") ?? [];
    if (name !== undefined) {
      this.#at += 1;
      moveTo = this.#toPath(name, "*** Move to:");
    }
    this.#skipBlanksBefore("@@");
    this.#skipDiffHead();
    const hunks: Hunk[] = [];
    while (!this.#isFileEnd()) hunks.push(this.#readHunk(hunks.length === 0));
    if (hunks.length === 0 && moveTo === null) this.#refuse(`expected changes of ${JSON.stringify(path)}`);
    return { kind: "update", path, moveTo, hunks, line };
  }

  #readHunk(isFirst: boolean): Hunk {
    const line = this.#at + 1;
    const { anchors, hasHead, isInsertion } = this.#readHunkHead();
    if (!hasHead && !isFirst) {
      this.#at += 1;
      this.#refuse('expected "@@", " ", "+" or "-" at the beginning of the line');
    }
    const lines = this.#readHunkLines();
    if (!lines.some(({ kind }) => kind !== "keep")) this.#refuse("expected at least one line with + or - in the hunk");
    if (isInsertion && !lines.some(({ kind }) => kind !== "add"))
      this.#refuse("expected lines of the file around those that are added: numbers of lines are not used");
    const isAtEnd = END_OF_FILE.test(this.#peek() ?? "");
    if (isAtEnd) this.#at += 1;
    const blanks = isAtEnd ? 0 : lines.length - 1 - lines.findLastIndex(({ kind, text }) => kind !== "keep" || text !== "");
    return { anchors, lines, ...(blanks > 0 && { blanksAtEnd: blanks }), isAtEnd, line };
  }

  #readHunkHead(): { anchors: string[]; hasHead: boolean; isInsertion: boolean } {
    const anchors: string[] = [];
    let [hasHead, isInsertion] = [false, false];
    for (let head = this.#peek(); head !== undefined && /^@@(\s|$)/.test(head); head = this.#peek()) {
      this.#at += 1;
      hasHead = true;
      const [, first] = NUMBERED.exec(head) ?? [];
      const anchor = head.slice(3).replace(/\s+@@\s*$/, "");
      // Of an empty file there are no lines to give.
      if (first !== undefined) isInsertion ||= first !== "0";
      else if (anchor.trim() !== "") anchors.push(anchor);
    }
    return { anchors, hasHead, isInsertion };
  }

  #readHunkLines(): HunkLine[] {
    const kinds = { " ": "keep", "-": "remove", "+": "add" } as const;
    const lines: HunkLine[] = [];
    for (let line = this.#peek(); line !== undefined; line = this.#peek()) {
      const sign = line.charAt(0);
      // An empty line of context often comes without its space.
      if (line === "") lines.push({ kind: "keep", text: "" });
      else if (sign === " " || sign === "-" || sign === "+") lines.push({ kind: kinds[sign], text: line.slice(1) });
      else if (!NO_NEWLINE.test(line)) break;
      this.#at += 1;
    }
    return lines;
  }

  /** `--- a/f` and `+++ b/f` behind a header are a diff's, not lines of the file. */
  #skipDiffHead(): void {
    const [first = "", second = "", third = ""] = this.#lines.slice(this.#at, this.#at + 3);
    const isAhead = third.startsWith("@@") || first === "--- /dev/null";
    if (first.startsWith("--- ") && second.startsWith("+++ ") && isAhead) this.#at += 2;
  }

  #skipBlanks(): void {
    while (this.#peek()?.trim() === "") this.#at += 1;
  }

  #skipBlanksBefore(mark: string): void {
    const at = this.#at;
    this.#skipBlanks();
    if (!this.#peek()?.startsWith(mark)) this.#at = at;
  }

  #isFileEnd(): boolean {
    const line = this.#peek();
    return line === undefined || (isMark(line) && !END_OF_FILE.test(line));
  }

  /** Without what models put around it. */
  #toPath(name: string, mark: string): string {
    const path = name.replace(/\s+\*{3}\s*$/, "").trim();
    const [, , quoted] = /^(["'`])(.+)\1$/.exec(path) ?? [];
    if (path === "") this.#refuse(`expected a path after "${mark}"`);
    return quoted ?? path;
  }

  #peek(): string | undefined {
    return this.#at < this.#to ? this.#lines[this.#at] : undefined;
  }

  /** The line that an error after it is about. */
  #next(): string | undefined {
    const line = this.#peek();
    this.#at += 1;
    return line;
  }

  #refuse(message: string): never {
    const found = this.#at <= this.#to ? this.#lines[this.#at - 1] : undefined;
    const shown = found === undefined ? "the patch ends" : `found ${JSON.stringify(found.slice(0, SHOWN_LENGTH_MAX))}`;
    throw new OperationError("InvalidArgument", `patch, line ${this.#at}: ${message}; ${shown}`);
  }
}

const isMark = (line: string): boolean => /^\*{3}(?:\s|$)/.test(line) || isEnd(line) || HEADER.test(line.trim());
