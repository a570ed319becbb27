// Which lines an edit changes, and the diff that is handed over, which api/config/line-diff.ts reads. Pure.
import { diffArrays } from "diff";
import type { LineChange } from "../../../api/config/line-diff.ts";

const LINE_END = /\r\n|\n/;

export function toLineChanges(before: string, after: string): LineChange[] {
  const changes: LineChange[] = [];
  let at = 1;
  let open: { at: number; removed: string[]; added: string[] } | null = null;
  for (const { value, removed, added } of diffArrays(before.split(LINE_END), after.split(LINE_END))) {
    if (!removed && !added) {
      at += value.length;
      open = null;
      continue;
    }
    if (open === null) {
      open = { at, removed: [], added: [] };
      changes.push(open);
    }
    open[removed ? "removed" : "added"].push(...value);
    if (removed) at += value.length;
  }
  return changes;
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
