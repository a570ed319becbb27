// Makes untrusted text (from a sandbox, a session's name, an engine) harmless to display. Pure.
// Tables and columns are cli/text.ts; where the text goes is the callers'.

/**
 * What moves the cursor, colours, reorders or breaks lines, and what can't be seen at all: controls, line and paragraph separators, formatting
 * characters (bidirectional overrides, joiners, tags), and fillers. A variation selector behind a picture is a picture's.
 */
const UNSAFE =
  /[[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]--[\n\t\ufe0e\ufe0f]]|(?<!\p{Extended_Pictographic})[\ufe0e\ufe0f]/gv;

/** Such characters as `\x1b`, `\u202e`, `\u{e0041}`. Newlines and tabs stay. */
export function toSafeText(text: string): string {
  return text.replace(UNSAFE, (character) => {
    const code = character.codePointAt(0) ?? 0;
    const digits = code.toString(16);
    if (code > 0xffff) return `\\u{${digits}}`;
    return code > 0xff ? `\\u${digits.padStart(4, "0")}` : `\\x${digits.padStart(2, "0")}`;
  });
}

/** The same on one line. */
export const toSafeLine = (text: string): string => toSafeText(text).replace(/\s*[\n\t]\s*/g, " ");

/** JSON text that means exactly the same: in it such characters stand in strings only, where JSON has escapes of its own for them. */
export function toSafeJson(json: string): string {
  const toEscape = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return json.replace(UNSAFE, (character) => character.split("").map(toEscape).join(""));
}

/** A value of JSON with every string in it changed, keys too. */
export function mapStrings(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === "string") return change(value);
  if (Array.isArray(value)) return value.map((inner) => mapStrings(inner, change));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [change(key), mapStrings(inner, change)]));
}
