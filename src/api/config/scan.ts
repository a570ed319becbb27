// Finds comments, quoted texts and brackets in JSON5 in one pass over the characters, so that no text takes more than linear time.
// It checks no grammar: whatever else stands in the text is skipped.

export interface ScanToken {
  readonly kind: "comment" | "string" | "open" | "close";
  readonly start: number;
  /** Offset after its last character. */
  readonly end: number;
  /** False for a comment or a text in quotes that does not end. */
  readonly closed: boolean;
}

const LINE_END = /[\n\r\u2028\u2029]/g;
const INTERESTING = /["'/[\]{}]/g;

export function* scan(text: string): Generator<ScanToken> {
  for (let offset = findFrom(text, INTERESTING, 0); offset < text.length; ) {
    const token = readToken(text, offset);
    if (token !== null) yield token;
    offset = findFrom(text, INTERESTING, token?.end ?? offset + 1);
  }
}

/** Offset of the next match, or the end of the text. */
function findFrom(text: string, pattern: RegExp, from: number): number {
  pattern.lastIndex = from;
  return pattern.exec(text)?.index ?? text.length;
}

function readToken(text: string, start: number): ScanToken | null {
  const character = text.charAt(start);
  if (character === "{" || character === "[") return { kind: "open", start, end: start + 1, closed: true };
  if (character === "}" || character === "]") return { kind: "close", start, end: start + 1, closed: true };
  if (character !== "/") return readString(text, start, character);
  if (text.charAt(start + 1) === "/") return { kind: "comment", start, end: findFrom(text, LINE_END, start), closed: true };
  if (text.charAt(start + 1) !== "*") return null;
  const close = text.indexOf("*/", start + 2);
  return { kind: "comment", start, end: close === -1 ? text.length : close + 2, closed: close !== -1 };
}

/** Ends at its quote, or unclosed at the line's end unless a backslash continues it. */
function readString(text: string, start: number, quote: string): ScanToken {
  for (let offset = start + 1; offset < text.length; offset += 1) {
    const character = text.charAt(offset);
    if (character === quote) return { kind: "string", start, end: offset + 1, closed: true };
    if (character === "\n" || character === "\r") return { kind: "string", start, end: offset, closed: false };
    if (character === "\\") offset += text.startsWith("\r\n", offset + 1) ? 2 : 1;
  }
  return { kind: "string", start, end: text.length, closed: false };
}
