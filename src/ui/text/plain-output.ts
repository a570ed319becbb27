// A command's output as lines of text: what is meant for a terminal (colours, titles, links) left out, and of a line that was written over its last
// state. Pure. What is still no text after that is shown as `\x1b` by the page's own elements.

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CODES = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[PX^_][^\u001b]*\u001b\\|[ -/]*[0-OQ-WYZ\\`-~])/g;
/** At the end: the rest may be on its way. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const BEGUN = /\u001b(?:\[[0-?]*[ -/]*|\][^\u0007\u001b]*|[PX^_][^\u001b]*|[ -/]*)$/;

export function toPlainOutput(text: string): string {
  return text
    .replace(CODES, "")
    .replace(BEGUN, "")
    .replaceAll("\r\n", "\n")
    .split("\n")
    .map((line) => line.slice(line.replace(/\r+$/, "").lastIndexOf("\r") + 1).replace(/\r+$/, ""))
    .join("\n");
}
