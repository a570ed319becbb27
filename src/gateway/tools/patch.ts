// Reads a patch in the `*** Begin Patch` format. Strict: whatever is not exactly understood is an error with its line. Pure.
// What a patch does to a file's text is patch-apply.ts.
import { OperationError } from "../../api/errors.ts";

/** Lines without their line ends. */
export interface Hunk {
  /** Lines to go to first, one after the other (`@@ line`); the hunk is looked for after them. */
  anchors: readonly string[];
  lines: readonly HunkLine[];
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
  add: "*** Add File: ",
  delete: "*** Delete File: ",
  update: "*** Update File: ",
  move: "*** Move to: ",
  endOfFile: "*** End of File",
} as const;

const SHOWN_LENGTH_MAX = 80;

/** @throws OperationError `InvalidArgument` with the line of the patch and what was expected there */
export function parsePatch(text: string): FilePatch[] {
  return new PatchReader(text).read();
}

class PatchReader {
  readonly #lines: readonly string[];
  #at = 0;

  constructor(text: string) {
    const lines = text.replaceAll("\r\n", "\n").split("\n");
    // What surrounds a patch is blank lines at most.
    while (lines.at(-1)?.trim() === "") lines.pop();
    this.#lines = lines;
    while (this.#peek()?.trim() === "") this.#at += 1;
  }

  read(): FilePatch[] {
    if (this.#next()?.trimEnd() !== MARK.begin) this.#refuse(`expected "${MARK.begin}"`);
    const patches: FilePatch[] = [];
    while (this.#peek()?.trimEnd() !== MARK.end) patches.push(this.#readFile());
    this.#at += 1;
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
    if (head.startsWith(MARK.add)) return { kind: "add", path: this.#toPath(head, MARK.add), lines: this.#readAdded(), line };
    if (head.startsWith(MARK.delete)) return { kind: "delete", path: this.#toPath(head, MARK.delete), line };
    if (head.startsWith(MARK.update)) return this.#readUpdate(this.#toPath(head, MARK.update), line);
    return this.#refuse(`expected "${MARK.add}PATH", "${MARK.update}PATH", "${MARK.delete}PATH" or "${MARK.end}"`);
  }

  #readAdded(): string[] {
    const added: string[] = [];
    for (let line = this.#peek(); line !== undefined && !line.startsWith("*** "); line = this.#peek()) {
      this.#at += 1;
      if (!line.startsWith("+")) this.#refuse("expected a line that begins with + in a new file");
      added.push(line.slice(1));
    }
    return added;
  }

  #readUpdate(path: string, line: number): FilePatch {
    let moveTo: string | null = null;
    const head = this.#peek();
    if (head?.startsWith(MARK.move)) {
      this.#at += 1;
      moveTo = this.#toPath(head, MARK.move);
    }
    const hunks: Hunk[] = [];
    while (!this.#isFileEnd()) hunks.push(this.#readHunk(hunks.length === 0));
    if (hunks.length === 0 && moveTo === null) this.#refuse(`expected changes of ${JSON.stringify(path)}`);
    return { kind: "update", path, moveTo, hunks, line };
  }

  #readHunk(isFirst: boolean): Hunk {
    const line = this.#at + 1;
    const anchors: string[] = [];
    let hasHead = false;
    for (let head = this.#peek(); head === "@@" || head?.startsWith("@@ "); head = this.#peek()) {
      this.#at += 1;
      hasHead = true;
      if (head.length > 3) anchors.push(head.slice(3));
    }
    if (!hasHead && !isFirst) {
      this.#at += 1;
      this.#refuse('expected "@@", " ", "+" or "-" at the beginning of the line');
    }
    const lines = this.#readHunkLines();
    if (!lines.some(({ kind }) => kind !== "keep")) this.#refuse("expected at least one line with + or - in the hunk");
    const isAtEnd = this.#peek()?.trimEnd() === MARK.endOfFile;
    if (isAtEnd) this.#at += 1;
    return { anchors, lines, isAtEnd, line };
  }

  #readHunkLines(): HunkLine[] {
    const kinds = { " ": "keep", "-": "remove", "+": "add" } as const;
    const lines: HunkLine[] = [];
    for (let line = this.#peek(); line !== undefined; line = this.#peek()) {
      const sign = line.charAt(0);
      // An empty line of context often comes without its space.
      if (line === "") lines.push({ kind: "keep", text: "" });
      else if (sign === " " || sign === "-" || sign === "+") lines.push({ kind: kinds[sign], text: line.slice(1) });
      else break;
      this.#at += 1;
    }
    return lines;
  }

  #isFileEnd(): boolean {
    const line = this.#peek();
    return line === undefined || (line.startsWith("*** ") && line.trimEnd() !== MARK.endOfFile);
  }

  #toPath(line: string, mark: string): string {
    const path = line.slice(mark.length).trim();
    if (path === "") this.#refuse(`expected a path after "${mark.trim()}"`);
    return path;
  }

  #peek(): string | undefined {
    return this.#lines[this.#at];
  }

  /** The line that an error after it is about. */
  #next(): string | undefined {
    const line = this.#peek();
    this.#at += 1;
    return line;
  }

  #refuse(message: string): never {
    const found = this.#lines[this.#at - 1];
    const shown = found === undefined ? "the patch ends" : `found ${JSON.stringify(found.slice(0, SHOWN_LENGTH_MAX))}`;
    throw new OperationError("InvalidArgument", `patch, line ${this.#at}: ${message}; ${shown}`);
  }
}
