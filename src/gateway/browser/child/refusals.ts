// What the process refuses to do, as its caller is told: the caller was wrong, and saying it again would not help. Whatever else fails is the browser's.

export class Refusal extends Error {
  override readonly name = "Refusal";
}

/** A page's text in a message of one line. */
export function toShort(text: string, charsMax = 200): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > charsMax ? `${line.slice(0, charsMax - 1)}…` : line;
}
