// Text of files as strings that give back exactly the bytes they came from, also where a few of those are not UTF-8. Pure.
// Line ends are line-ends.ts; where a text may be cut is cuts.ts.
import { isUtf8 } from "node:buffer";

/**
 * A byte that belongs to no character is one lone surrogate, U+DC80 to U+DCFF (as Python's `surrogateescape`): no text of UTF-8 has any, so
 * that nothing is confused with it.
 */
const ESCAPED = 0xdc00;
const LONE = /[\udc80-\udcff]/gu;
const REPLACEMENT = 0xfffd;
/** U+FEFF as the first character. */
export const BYTE_ORDER_MARK = "\ufeff";
/** Characters of a text that are looked at together: some 200 KiB of memory for each. */
const PIECE_LENGTH = 65_536;
/** As many as one character has of which the last byte is cut off: a text of a few words may end so. */
const BAD_BYTES_ALLOWED = 3;
/**
 * Pictures and programs have more of them, and control characters. A text in another encoding of one byte for a character has up to a quarter of
 * them where its language has many letters beyond a to z, and none of these.
 */
const BAD_SHARE_MAX = { withControls: 0.1, withoutControls: 0.3 } as const;

/** Bytes that are no UTF-8: how many, and where the first of them are. */
export interface BadBytes {
  count: number;
  /** From the beginning of what was looked at; at most `BAD_OFFSETS_MAX`. */
  offsets: number[];
}
export const BAD_OFFSETS_MAX = 10;

/** `encodeText` of it is the data again, whatever they hold. */
export function decodeText(data: Buffer): string {
  if (isUtf8(data)) return data.toString("utf8");
  // No character has more units than bytes.
  const units = Buffer.allocUnsafeSlow(data.length * 2);
  let length = 0;
  const put = (unit: number): void => {
    length = units.writeUInt16LE(unit, length);
  };
  for (let at = 0; at < data.length; ) {
    const size = sizeOfCharacter(data, at);
    const code = size === 0 ? ESCAPED + (data[at] ?? 0) : codeAt(data, at, size);
    if (code > 0xffff) {
      put(0xd800 + ((code - 0x10000) >> 10));
      put(0xdc00 + ((code - 0x10000) & 0x3ff));
    } else put(code);
    at += Math.max(1, size);
  }
  return units.toString("utf16le", 0, length);
}

export function encodeText(text: string): Buffer {
  if (text.isWellFormed()) return Buffer.from(text, "utf8");
  const pieces: Buffer[] = [];
  for (let from = 0; from < text.length; ) {
    let to = Math.min(text.length, from + PIECE_LENGTH);
    // A pair stays together.
    if ((text.charCodeAt(to - 1) & 0xfc00) === 0xd800) to = Math.min(text.length, to + 1);
    pieces.push(encodePiece(text.slice(from, to)));
    from = to;
  }
  return Buffer.concat(pieces);
}

function encodePiece(text: string): Buffer {
  if (text.isWellFormed()) return Buffer.from(text, "utf8");
  const pieces: Buffer[] = [];
  let from = 0;
  for (const { index } of text.matchAll(LONE)) {
    pieces.push(Buffer.from(text.slice(from, index), "utf8"), Buffer.of(text.charCodeAt(index) - ESCAPED));
    from = index + 1;
  }
  return Buffer.concat([...pieces, Buffer.from(text.slice(from), "utf8")]);
}

/** As people and models see it: U+FFFD for each byte that is no text. */
export const toShownText = (text: string): string => (text.isWellFormed() ? text : text.replace(LONE, String.fromCharCode(REPLACEMENT)));

export function findBadBytes(data: Buffer): BadBytes {
  const bad: BadBytes = { count: 0, offsets: [] };
  if (isUtf8(data)) return bad;
  for (let at = 0; at < data.length; ) {
    const size = sizeOfCharacter(data, at);
    if (size === 0) {
      bad.count += 1;
      if (bad.offsets.length < BAD_OFFSETS_MAX) bad.offsets.push(at);
    }
    at += Math.max(1, size);
  }
  return bad;
}

/** Whether people would call it a text: without NUL, and with few bytes that are not UTF-8. */
export function isText(data: Buffer): boolean {
  if (data.includes(0)) return false;
  const bad = findBadBytes(data).count - BAD_BYTES_ALLOWED;
  if (bad <= data.length * BAD_SHARE_MAX.withControls) return true;
  return bad <= data.length * BAD_SHARE_MAX.withoutControls && !data.some(isControl);
}

/** Of C0, what no text has: all but backspace to carriage return, and escape. */
const isControl = (byte: number): boolean => byte < 0x08 || (byte > 0x0d && byte < 0x1b) || (byte > 0x1b && byte < 0x20);

/** 0 where no character of UTF-8 begins that is there whole (RFC 3629: the shortest form, no surrogates, up to U+10FFFF). */
function sizeOfCharacter(data: Buffer, at: number): number {
  const first = data[at] ?? 0;
  if (first < 0x80) return 1;
  const size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || at + size > data.length) return 0;
  for (let next = 1; next < size; next += 1) if (((data[at + next] ?? 0) & 0xc0) !== 0x80) return 0;
  const second = data[at + 1] ?? 0;
  const [least, most] = SECOND.get(first) ?? [0x80, 0xbf];
  return second >= least && second <= most ? size : 0;
}

/** What may follow a first byte where not everything may. */
const SECOND: ReadonlyMap<number, readonly [number, number]> = new Map([
  [0xe0, [0xa0, 0xbf]],
  [0xed, [0x80, 0x9f]],
  [0xf0, [0x90, 0xbf]],
  [0xf4, [0x80, 0x8f]],
]);

function codeAt(data: Buffer, at: number, size: number): number {
  const first = data[at] ?? 0;
  let code = size === 1 ? first : first & (0xff >> (size + 1));
  for (let next = 1; next < size; next += 1) code = (code << 6) | ((data[at + next] ?? 0) & 0x3f);
  return code;
}
