// The commands that a page prints for a reader to type: its blocks of shell. What becomes of them is the callers'.
import { readFileSync } from "node:fs";

/** Below a heading of a page, in their order, without what is said of them. @param page from the project's folder on */
export function readCommands(page: string, heading: string): string[] {
  const text = readFileSync(new URL(`../${page}`, import.meta.url), "utf8");
  const section = text.slice(text.indexOf(`\n## ${heading}\n`) + 1).split("\n## ", 2)[0] ?? "";
  const blocks = [...section.matchAll(/^```sh\n(.*?)^```/gms)].map(([, block = ""]) => block);
  return blocks.flatMap((block) => block.split("\n")).flatMap((line) => line.replace(/\s+# .*$/, "").trim() || []);
}
