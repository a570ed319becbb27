// Replaces pieces of a text that must each occur exactly once: all of them or none. Pure.
// Which file it is, and when it is written, is edit.ts.
import { OperationError } from "../../api/errors.ts";
import { FILE_BYTES_MAX } from "../../api/file-scripts.ts";

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

/** Of the text, once for each edit: two or three seconds, in which the gateway does nothing else. */
const SEARCHED_LENGTH_MAX = 536_870_912;
/** Each is some 100 bytes of memory. */
const PLACES_MAX = 1_000_000;

/**
 * Every edit is looked for in the original text, so their order does not matter; they may not overlap. Where the file's lines end with
 * CRLF and the edit's with LF, the file's line ends are kept.
 * @throws OperationError `InvalidArgument`, naming the edit, and `LimitExceeded`
 */
export function applyEdits(text: string, edits: readonly TextEdit[]): string {
  if (text.length * edits.length > SEARCHED_LENGTH_MAX)
    throw new OperationError("LimitExceeded", "edit: too many edits at once for so large a file", { fix: "make them in several calls" });
  const hasOnlyCrlf = text.includes("\r\n") && !/(^|[^\r])\n/.test(text);
  const places = edits
    .flatMap((edit, at) => findPlaces(text, hasOnlyCrlf ? toCrlfEdit(edit) : edit, at + 1))
    .toSorted((left, right) => left.from - right.from);
  const length = places.reduce((sum, { from, to, newText }) => sum + newText.length - (to - from), text.length);
  if (length > FILE_BYTES_MAX)
    throw new OperationError("LimitExceeded", `edit: the file would have more than ${FILE_BYTES_MAX / 1_048_576} MiB`);
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
  const find = makeFinder(text, oldText);
  for (let from = find(0); from >= 0; from = find(from + oldText.length))
    if (places.push({ from, to: from + oldText.length, newText }) > PLACES_MAX)
      throw new OperationError("LimitExceeded", `edit ${number}: the text is in the file more than ${PLACES_MAX} times: ${show(oldText)}`);
  if (places.length === 0) refuse(`the text is not in the file: ${show(oldText)}`, "read the file again; every space and line end counts");
  // One that overlaps the first is another place too.
  const [first] = places;
  const again = first === undefined ? -1 : find(first.from + 1);
  if (!all && again >= 0)
    refuse(`the text is in the file more than once: ${show(oldText)}`, "say more of what is around it, or set replaceAll");
  return places;
}

/**
 * As `text.indexOf(word, from)`, but linear in both whatever they hold (Knuth, Morris and Pratt): the engine's own search takes minutes for
 * some words, in which the gateway does nothing else.
 */
function makeFinder(text: string, word: string): (from: number) => number {
  /** How many of the word's first characters are also the last of its first `index + 1`. */
  const borders = new Int32Array(word.length);
  const step = (matched: number, code: number): number => {
    let length = matched;
    while (length > 0 && code !== word.charCodeAt(length)) length = borders[length - 1] ?? 0;
    return code === word.charCodeAt(length) ? length + 1 : 0;
  };
  for (let at = 1; at < word.length; at += 1) borders[at] = step(borders[at - 1] ?? 0, word.charCodeAt(at));
  return (from) => {
    let matched = 0;
    for (let at = from; at < text.length; at += 1) {
      matched = step(matched, text.charCodeAt(at));
      if (matched === word.length) return at - matched + 1;
    }
    return -1;
  };
}

function toCrlfEdit(edit: TextEdit): TextEdit {
  if (edit.oldText.includes("\r\n")) return edit;
  const toCrlf = (piece: string): string => piece.replace(/\r?\n/g, "\r\n");
  return { ...edit, oldText: toCrlf(edit.oldText), newText: toCrlf(edit.newText) };
}

const SHOWN_LENGTH_MAX = 100;
const show = (text: string): string => JSON.stringify(text.length > SHOWN_LENGTH_MAX ? `${text.slice(0, SHOWN_LENGTH_MAX)}...` : text);
