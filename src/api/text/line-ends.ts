// Lines and their ends: LF, CRLF, or none behind the last. Each line keeps its own; a new one takes its neighbour's. Pure.
// Which bytes are text is encoding.ts; what is changed is the tools'.

export type LineEnd = "\n" | "\r\n" | "";

/** Texts without their ends, which are beside them: a file of 64 MiB may have as many lines. */
export interface Lines {
  readonly texts: readonly string[];
  /** How many characters the end of each line has: 0, 1 (LF), 2 (CRLF). */
  readonly ends: Uint8Array;
}

const ENDS: readonly LineEnd[] = ["", "\n", "\r\n"];

export const endAt = ({ ends }: Lines, line: number): LineEnd => ENDS[ends[line] ?? 0] ?? "";

/** The empty text has no line. */
export function splitLines(text: string): Lines {
  const texts = text.split("\n");
  const ends = new Uint8Array(texts.length).fill(1);
  for (const [at, line] of texts.entries()) {
    if (at === texts.length - 1 || !line.endsWith("\r")) continue;
    texts[at] = line.slice(0, -1);
    ends[at] = 2;
  }
  ends[texts.length - 1] = 0;
  if (texts.at(-1) === "") texts.pop();
  return { texts, ends };
}

export const toLf = (text: string): string => (text.includes("\r\n") ? text.replaceAll("\r\n", "\n") : text);

/**
 * The new text with the line ends of the old one, which it replaces: lines that stay have theirs, others those of the line whose place they
 * take; where there are more than before, that of the last. A place without line ends has its neighbour's.
 * @param neighbour "": there is none, and the new text is what it is
 */
export function withEndsOf(oldText: string, newText: string, neighbour: LineEnd): string {
  if (!newText.includes("\n")) return newText;
  const before = splitLines(oldText);
  const after = splitLines(newText);
  const countOf = (lines: Lines): number =>
    lines.texts.length - (lines.texts.length > 0 && endAt(lines, lines.texts.length - 1) === "" ? 1 : 0);
  const [oldCount, newCount] = [countOf(before), countOf(after)];
  if (oldCount === 0 && neighbour === "") return newText;
  const common = Math.min(oldCount, newCount);
  let first = 0;
  while (first < common && before.texts[first] === after.texts[first]) first += 1;
  let last = 0;
  while (last < common - first && before.texts[oldCount - 1 - last] === after.texts[newCount - 1 - last]) last += 1;
  const toEnd = (line: number): LineEnd => {
    if (oldCount === 0) return neighbour;
    if (line >= newCount - last) return endAt(before, oldCount - (newCount - line));
    return endAt(before, Math.min(line, oldCount - 1));
  };
  return after.texts.map((text, line) => (line < newCount ? `${text}${toEnd(line)}` : text)).join("");
}
