// Replaces pieces of a text that must each occur exactly once: all of them or none. Pure.
// Which file it is, and when it is written, is edit.ts.
import { OperationError } from "../../api/errors.ts";

export interface TextEdit {
  oldText: string;
  newText: string;
  /** Replace every occurrence; there must be one. */
  all: boolean;
}

interface Place {
  from: number;
  to: number;
  newText: string;
}

/**
 * Every edit is looked for in the original text, so their order does not matter; they may not overlap. Where the file's lines end with
 * CRLF and the edit's with LF, the file's line ends are kept.
 * @throws OperationError `InvalidArgument`, naming the edit
 */
export function applyEdits(text: string, edits: readonly TextEdit[]): string {
  const places = edits
    .flatMap((edit, at) => findPlaces(text, toLineEndsOf(text, edit), at + 1))
    .toSorted((left, right) => left.from - right.from);
  let result = "";
  let done = 0;
  for (const { from, to, newText } of places) {
    if (from < done) throw new OperationError("InvalidArgument", "edit: two edits are about the same text");
    result += text.slice(done, from) + newText;
    done = to;
  }
  return result + text.slice(done);
}

function findPlaces(text: string, { oldText, newText, all }: TextEdit, number: number): Place[] {
  const refuse = (message: string, fix?: string): never => {
    throw new OperationError("InvalidArgument", `edit ${number}: ${message}`, fix === undefined ? {} : { fix });
  };
  if (oldText === "") refuse("the text to replace is empty", "write the file, or name the text beside the place");
  if (oldText === newText) refuse("the new text is the old one");
  const places: Place[] = [];
  for (let from = text.indexOf(oldText); from >= 0; from = text.indexOf(oldText, from + oldText.length))
    places.push({ from, to: from + oldText.length, newText });
  if (places.length === 0) refuse(`the text is not in the file: ${show(oldText)}`, "read the file again; every space and line end counts");
  // One that overlaps the first is another place too.
  const [first] = places;
  const again = first === undefined ? -1 : text.indexOf(oldText, first.from + 1);
  if (!all && again >= 0)
    refuse(`the text is in the file more than once: ${show(oldText)}`, "say more of what is around it, or set replaceAll");
  return places;
}

function toLineEndsOf(text: string, edit: TextEdit): TextEdit {
  const hasOnlyCrlf = text.includes("\r\n") && !/(^|[^\r])\n/.test(text);
  if (!hasOnlyCrlf || edit.oldText.includes("\r\n")) return edit;
  const toCrlf = (piece: string): string => piece.replace(/\r?\n/g, "\r\n");
  return { ...edit, oldText: toCrlf(edit.oldText), newText: toCrlf(edit.newText) };
}

const SHOWN_LENGTH_MAX = 100;
const show = (text: string): string => JSON.stringify(text.length > SHOWN_LENGTH_MAX ? `${text.slice(0, SHOWN_LENGTH_MAX)}...` : text);
