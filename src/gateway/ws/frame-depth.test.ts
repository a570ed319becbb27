// Whether a frame is too deep is told without parsing it: brackets in texts and escapes do not count. That the socket asks is flood.test.ts's.
import { expect, test } from "vitest";
import { isDeeper } from "./frame-depth.ts";

const nested = (levels: number): string => `${"[".repeat(levels)}${"]".repeat(levels)}`;

test.each<[string, string, boolean]>([
  ["as deep as it may be", nested(8), false],
  ["one level more", nested(9), true],
  ["many side by side", `[${Array.from({ length: 50 }, () => nested(7)).join(",")}]`, false],
  ["brackets in a text", JSON.stringify([nested(9), "{{{{{{{{{{"]), false],
  ["behind an escaped quote", JSON.stringify([`"${nested(9)}`]), false],
  ["behind an escaped backslash", `["\\\\",${nested(9)}]`, true],
  ["objects as well", `${'{"a":'.repeat(9)}1${"}".repeat(9)}`, true],
])("%s", (_, text, expected) => {
  JSON.parse(text);
  expect(isDeeper(Buffer.from(text), 8)).toBe(expected);
});
