// Which lines an edit changes, and the diff that is handed over, which api/config/line-diff.ts reads. Pure.
import { Chunk } from "@codemirror/merge";
import { Text } from "@codemirror/state";
import type { LineChange } from "../../../api/config/line-diff.ts";

const LINE_END = /\r\n|\n/;

export function toLineChanges(before: string, after: string): LineChange[] {
  const [old, edited] = [Text.of(before.split(LINE_END)), Text.of(after.split(LINE_END))];
  return Chunk.build(old, edited).map(({ fromA, toA, fromB, toB }) =>
    withoutSame({ at: lineAt(old, fromA), removed: linesIn(old, fromA, toA), added: linesIn(edited, fromB, toB) }),
  );
}

/** The last line counts as changed where another one follows it now. */
function withoutSame({ at, removed, added }: LineChange): LineChange {
  const differs = removed.findIndex((line, index) => line !== added[index]);
  const same = differs === -1 ? Math.min(removed.length, added.length) : differs;
  return { at: at + same, removed: removed.slice(same), added: added.slice(same) };
}

/** A chunk may begin after the last line. */
const lineAt = (text: Text, offset: number): number => (offset > text.length ? text.lines + 1 : text.lineAt(offset).number);

/** From the start of a line to the start of another, or past the end. */
function linesIn(text: Text, from: number, to: number): string[] {
  const [first, end] = [lineAt(text, from), lineAt(text, to)];
  return Array.from({ length: end - first }, (_, index) => text.line(first + index).text);
}

/** In order of `at`. @returns a unified diff without context; empty for no changes */
export function renderChanges(changes: readonly LineChange[]): string {
  let shift = 0;
  const hunks = changes.map(({ at, removed, added }) => {
    // A range of no lines is named by the line before it.
    const [from, to] = [removed.length === 0 ? at - 1 : at, added.length === 0 ? at + shift - 1 : at + shift];
    shift += added.length - removed.length;
    const header = `@@ -${from},${removed.length} +${to},${added.length} @@\n`;
    return header + removed.map((line) => `-${line}\n`).join("") + added.map((line) => `+${line}\n`).join("");
  });
  return hunks.join("");
}
