// Replaces pieces of a text that must each occur exactly once: all of them or none. Pure.
// Which file it is, and when it is written, is edit.ts.
import { OperationError } from "../../api/errors.ts";
import { FILE_BYTES_MAX } from "../../api/file-scripts.ts";
import { toHead } from "../../api/text/cuts.ts";
import { BYTE_ORDER_MARK } from "../../api/text/encoding.ts";
import { type LineEnd, toLf, withEndsOf } from "../../api/text/line-ends.ts";
import { hasNeutralMark, type NeutralText, sliceNeutral, toNeutral, toRawIndex, withMarksOf } from "../../api/text/template-marks.ts";

const CR = 0x0d;
const LF = 0x0a;

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
  /** Its line ends are meant as they are. */
  isExact: boolean;
}

/** Of the text, once for each edit: two or three seconds, in which the gateway does nothing else. */
const SEARCHED_LENGTH_MAX = 536_870_912;
/** Each is some 100 bytes of memory. */
const PLACES_MAX = 1_000_000;

/**
 * Every edit is looked for in the original text, so their order does not matter; they may not overlap. CRLF and LF are the same when a
 * piece is looked for, unless it is there exactly so; every line keeps its end, and new lines take those of the lines around them.
 * @throws OperationError `InvalidArgument`, naming the edit, and `LimitExceeded`
 */
export function applyEdits(text: string, edits: readonly TextEdit[]): string {
  if (text.length * edits.length > SEARCHED_LENGTH_MAX)
    throw new OperationError("LimitExceeded", "edit: too many edits at once for so large a file", {
      fix: "make them in several calls",
      retryable: false,
    });
  const places = edits.flatMap((edit, at) => findPlaces(text, edit, at + 1)).toSorted((left, right) => left.from - right.from);
  const endOf = makeLineEnds(text);
  let result = "";
  let done = 0;
  for (const { from, to, newText, isExact } of places) {
    if (from < done) throw new OperationError("InvalidArgument", "edit: two edits are about the same text");
    const added = isExact || !newText.includes("\n") ? newText : withEndsOf(text.slice(from, to), newText, endOf(to));
    result += text.slice(done, from) + added;
    done = to;
    if (result.length + text.length - done > FILE_BYTES_MAX)
      throw new OperationError("PayloadTooLarge", `edit: the file would have more than ${FILE_BYTES_MAX / 1_048_576} MiB`);
  }
  return result + text.slice(done);
}

/** The end of the line that a place is in; asked with places in their order, it looks at no text twice. The last line has that of the one before. */
function makeLineEnds(text: string): (at: number) => LineEnd {
  let newline = -1;
  const last = text.lastIndexOf("\n");
  return (at) => {
    if (at > last) newline = last;
    else if (newline < at) newline = text.indexOf("\n", at);
    if (newline === -1) return "";
    return text.charAt(newline - 1) === "\r" ? "\r\n" : "\n";
  };
}

function findPlaces(text: string, edit: TextEdit, number: number): Place[] {
  const { oldText, newText, all } = edit;
  const refuse = (message: string, fix?: string): never => {
    throw new OperationError("InvalidArgument", `edit ${number}: ${message}`, fix === undefined ? {} : { fix });
  };
  if (oldText === "") refuse("the text to replace is empty", "write the file, or name the text beside the place");
  if (oldText === newText) refuse("the new text is the old one");
  // Who changes line ends alone means them.
  const isAboutEnds = toLf(oldText) === toLf(newText);
  const exact = (): Place[] => findAll(makeFinder(text, oldText, false), { ...edit, isExact: isAboutEnds }, number);
  const lines = isAboutEnds ? [] : findAll(makeFinder(text, toLf(oldText), true), { ...edit, isExact: false }, number);
  if (lines.length === 1 || (lines.length > 0 && all)) return lines;
  const places = exact();
  if (places.length === 1 || (places.length > 0 && all)) return places;
  if (lines.length > 1 || places.length > 1)
    refuse(`the text is in the file more than once: ${show(oldText)}`, "say more of what is around it, or set replaceAll");
  // A model that was shown the mark of another file, or of this one before, takes it for a part of the first line.
  if (oldText.startsWith(BYTE_ORDER_MARK)) return findPlaces(text, { ...edit, ...withoutMarks(edit) }, number);
  const neutral = hasNeutralMark(oldText) ? toNeutral(text) : null;
  if (neutral !== null && neutral.spaces.length > 0) return findNeutral(neutral, edit, number);
  const hasBadBytes = oldText.includes("\ufffd") && !text.isWellFormed();
  return refuse(
    `the text is not in the file: ${show(oldText)}`,
    hasBadBytes ? "U+FFFD stands for a byte that is no UTF-8: name text before or behind it" : "read the file again; every space counts",
  );
}

/** A model is shown marks of chats' templates with a space in them: what it says of such a place is looked for as it was shown. */
function findNeutral(neutral: NeutralText, edit: TextEdit, number: number): Place[] {
  return findPlaces(neutral.text, edit, number).map(({ from, to, newText, isExact }) => ({
    ...{ from: toRawIndex(neutral, from), to: toRawIndex(neutral, to), isExact },
    newText: withMarksOf(sliceNeutral(neutral, from, to), newText),
  }));
}

const withoutMarks = ({ oldText, newText }: TextEdit): { oldText: string; newText: string } => ({
  oldText: oldText.slice(1),
  newText: newText.startsWith(BYTE_ORDER_MARK) ? newText.slice(1) : newText,
});

type Finder = (from: number) => { from: number; to: number } | null;

/** Every place, one behind the other; two where one edit alone is meant and another place, also one that overlaps, is there too. */
function findAll(find: Finder, { newText, all, oldText, isExact }: TextEdit & { isExact: boolean }, number: number): Place[] {
  const places: Place[] = [];
  const first = find(0);
  if (first === null) return [];
  const again = all ? null : find(first.from + 1);
  if (!all) return [first, ...(again === null ? [] : [again])].map((place) => ({ ...place, newText, isExact }));
  for (let place: ReturnType<Finder> = first; place !== null; place = find(place.to))
    if (places.push({ ...place, newText, isExact }) > PLACES_MAX)
      throw new OperationError("LimitExceeded", `edit ${number}: the text is in the file more than ${PLACES_MAX} times: ${show(oldText)}`, {
        retryable: false,
      });
  return places;
}

/**
 * As `text.indexOf(word, from)`, but linear in both whatever they hold (Knuth, Morris and Pratt): the engine's own search takes minutes for
 * some words, in which the gateway does nothing else. With `asLf` CRLF is LF in the text, as it must be in the word.
 */
function makeFinder(text: string, word: string, asLf: boolean): Finder {
  /** How many of the word's first characters are also the last of its first `index + 1`. */
  const borders = new Int32Array(word.length);
  const step = (matched: number, code: number): number => {
    let length = matched;
    while (length > 0 && code !== word.charCodeAt(length)) length = borders[length - 1] ?? 0;
    return code === word.charCodeAt(length) ? length + 1 : 0;
  };
  for (let at = 1; at < word.length; at += 1) borders[at] = step(borders[at - 1] ?? 0, word.charCodeAt(at));
  const isSkipped = (at: number): boolean => asLf && text.charCodeAt(at) === CR && text.charCodeAt(at + 1) === LF;
  const toStart = (end: number): number => {
    let start = end;
    for (let left = word.length; left > 0; left -= 1) start -= text.charCodeAt(start - 1) === LF && isSkipped(start - 2) ? 2 : 1;
    return start;
  };
  return (from) => {
    let matched = 0;
    for (let at = isSkipped(from - 1) ? from + 1 : from; at < text.length; at += 1) {
      if (isSkipped(at)) continue;
      matched = step(matched, text.charCodeAt(at));
      if (matched === word.length) return { from: toStart(at + 1), to: at + 1 };
    }
    return null;
  };
}

const SHOWN_LENGTH_MAX = 100;
const show = (text: string): string => JSON.stringify(text.length > SHOWN_LENGTH_MAX ? `${toHead(text, SHOWN_LENGTH_MAX)}...` : text);
