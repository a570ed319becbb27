// Where a text can be cut without splitting a character or an escape sequence of a terminal; bytes and strings alike. Pure.
// How much of it is kept is the callers'.

/** Longer ones (links, window titles, pictures) are data more than signs. */
export const ESCAPE_LENGTH_MAX = 256;
/** A character has 4 bytes at most: its first is among the last 3 of what is cut through it. */
const CUT_BYTES_MAX = 3;
const ESCAPE = 0x1b;
const BELL = 0x07;
/** `ESC ]`, `ESC P`, `ESC X`, `ESC ^`, `ESC _`: up to `ESC \` or BEL. */
const STRINGS: ReadonlySet<number> = new Set([0x5d, 0x50, 0x58, 0x5e, 0x5f]);

interface Units {
  readonly length: number;
  at(index: number): number;
}

const bytesOf = (data: Uint8Array): Units => ({ length: data.length, at: (index) => data[index] ?? 0 });
const unitsOf = (text: string): Units => ({ length: text.length, at: (index) => text.charCodeAt(index) });

/** The last place, `at` or before it, where these bytes can end. */
export function toSafeEnd(data: Uint8Array, at: number): number {
  if (at >= data.length && countCut(data, data.length) === 0 && findEscape(bytesOf(data), data.length) === null) return data.length;
  const end = findEscape(bytesOf(data), at)?.from ?? at;
  return end - countCut(data, end);
}

/** The first place, `at` or behind it, where these bytes can begin; what stands before is looked at. */
export function toSafeStart(data: Uint8Array, at: number): number {
  let start = findEscape(bytesOf(data), at)?.to ?? at;
  if (start === 0 || countCut(data, start) > 0)
    for (let count = 0; count < CUT_BYTES_MAX && ((data[start] ?? 0) & 0xc0) === 0x80; count += 1) start += 1;
  return start;
}

/** How many bytes before `end` begin a character that is not complete there. */
export function countCut(bytes: Uint8Array, end: number): number {
  for (let back = 1; back <= Math.min(CUT_BYTES_MAX, end); back += 1) {
    const byte = bytes[end - back] ?? 0;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) return back < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) ? back : 0;
  }
  return 0;
}

/** At most so many units of the text's beginning. */
export function toHead(text: string, lengthMax: number): string {
  if (text.length <= lengthMax) return text;
  const end = findEscape(unitsOf(text), lengthMax)?.from ?? lengthMax;
  return text.slice(0, isInsidePair(text, end) ? end - 1 : end);
}

/** At most so many units of the text's end. */
export function toTail(text: string, lengthMax: number): string {
  if (text.length <= lengthMax) return text;
  const at = text.length - lengthMax;
  const start = findEscape(unitsOf(text), at)?.to ?? at;
  return text.slice(isInsidePair(text, start) ? start + 1 : start);
}

const isInsidePair = (text: string, at: number): boolean =>
  (text.charCodeAt(at - 1) & 0xfc00) === 0xd800 && (text.charCodeAt(at) & 0xfc00) === 0xdc00;

/** The sequence that a cut at this place would split. One that never ends is none behind its beginning. */
function findEscape(units: Units, cut: number): { from: number; to: number } | null {
  for (let from = Math.max(0, cut - ESCAPE_LENGTH_MAX); from < cut; ) {
    if (units.at(from) !== ESCAPE) {
      from += 1;
      continue;
    }
    const to = toEscapeEnd(units, from);
    if (to === null) return { from, to: cut };
    if (to > cut) return { from, to };
    from = to;
  }
  return null;
}

/** null: it does not end within what there is, or not soon. */
function toEscapeEnd(units: Units, from: number): number | null {
  const limit = Math.min(units.length, from + ESCAPE_LENGTH_MAX);
  const kind = units.at(from + 1);
  let at = from + 1;
  if (at >= limit) return null;
  if (STRINGS.has(kind)) {
    for (at += 1; at < limit; at += 1) {
      if (units.at(at) === BELL) return at + 1;
      if (units.at(at) === ESCAPE) return at + 1 < limit ? at + (units.at(at + 1) === 0x5c ? 2 : 0) : null;
    }
    return limit < units.length ? from + 2 : null;
  }
  // Parameters and intermediate characters, then one that ends it.
  const [least, first] = kind === 0x5b ? [0x40, at + 1] : [0x30, at];
  for (at = first; at < limit; at += 1) {
    const unit = units.at(at);
    if (unit >= least && unit <= 0x7e) return at + 1;
    // Nothing of a sequence: it was none.
    if (unit < 0x20 || unit > 0x7e) return at;
  }
  return limit < units.length ? from + 1 : null;
}
