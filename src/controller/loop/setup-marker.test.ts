// The marker of a setup's end, in whatever pieces the engine delivers it.
import { expect, test } from "vitest";
import { MarkerFilter } from "./setup-marker.ts";

const MARKER = "aab0c1";

function pass(pieces: readonly string[]): { output: string; isSeen: boolean } {
  const filter = new MarkerFilter(MARKER);
  const output = pieces.map((piece) => filter.push(Buffer.from(piece)).toString()).join("");
  return { output: output + filter.end().toString(), isSeen: filter.isSeen };
}

/** Every way to cut a text in three. */
function* cut(text: string): Generator<string[]> {
  for (let first = 0; first <= text.length; first += 1)
    for (let second = first; second <= text.length; second += 1)
      yield [text.slice(0, first), text.slice(first, second), text.slice(second)];
}

test.each([
  ["one\ntwo", "one\ntwo", false],
  [`${MARKER}\n`, "", true],
  [`out a${MARKER}\nlate`, "out alate", true],
  [`aa${MARKER}\n${MARKER}\n`, `aa${MARKER}\n`, true],
  [MARKER, MARKER, false],
  [`${MARKER}x\n`, `${MARKER}x\n`, false],
  ["aab0c\naab", "aab0c\naab", false],
])("%j is found and taken out wherever it is cut, and nothing else is lost", (text, output, isSeen) => {
  for (const pieces of cut(text)) expect({ pieces, ...pass(pieces) }).toEqual({ pieces, output, isSeen });
});
