// A change of a text's lines as text: what the Control UI hands over and `openclaw config patch` reads. Lines are named by number and repeated in
// full, so that nothing is changed that is not as it was. Pure; what the lines mean is parse.ts's.

/** Lines from `at` on, 1-based, that are replaced. `removed` empty: `added` comes before line `at`. */
export interface LineChange {
  readonly at: number;
  readonly removed: readonly string[];
  readonly added: readonly string[];
}

export type ApplyResult = { ok: true; text: string; lines: number } | { ok: false; message: string };

const HEADER = /^@@ -(\d{1,7}),(\d{1,7}) \+\d{1,7},(\d{1,7}) @@$/;
const LINE_END = /\r\n|\n/;

/** null: it is no diff of that form. */
export function parseChanges(diff: string): LineChange[] | null {
  const lines = diff.split(LINE_END);
  if (lines.at(-1) === "") lines.pop();
  const changes: LineChange[] = [];
  for (let index = 0; index < lines.length; ) {
    const [, from, removedCount, addedCount] = HEADER.exec(lines[index] ?? "") ?? [];
    if (from === undefined) return null;
    const [remove, add] = [Number(removedCount), Number(addedCount)];
    const removed = lines.slice(index + 1, index + 1 + remove);
    const added = lines.slice(index + 1 + remove, index + 1 + remove + add);
    if (removed.length + added.length !== remove + add) return null;
    if (!removed.every((line) => line.startsWith("-")) || !added.every((line) => line.startsWith("+"))) return null;
    const cut = (line: string): string => line.slice(1);
    changes.push({ at: remove === 0 ? Number(from) + 1 : Number(from), removed: removed.map(cut), added: added.map(cut) });
    index += 1 + remove + add;
  }
  return changes.length === 0 ? null : changes;
}

/** Line ends stay as the text has them. */
export function applyChanges(text: string, changes: readonly LineChange[]): ApplyResult {
  const lineEnd = text.includes("\r\n") ? "\r\n" : "\n";
  const lines = text.split(LINE_END);
  const changed: string[] = [];
  let next = 0;
  for (const { at, removed, added } of changes) {
    if (at - 1 < next) return { ok: false, message: "its parts are not in order" };
    changed.push(...lines.slice(next, at - 1), ...added);
    const wrong = removed.findIndex((line, index) => lines[at - 1 + index] !== line);
    if (wrong !== -1) return { ok: false, message: `line ${at + wrong} is not as the change expects it` };
    next = at - 1 + removed.length;
  }
  changed.push(...lines.slice(next));
  const count = changes.reduce((sum, { removed, added }) => sum + Math.max(removed.length, added.length), 0);
  return { ok: true, text: changed.join(lineEnd), lines: count };
}
