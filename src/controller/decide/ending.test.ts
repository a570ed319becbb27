// What a container's end says, and what it is put down to.
import { expect, test } from "vitest";
import { renderEnding } from "./ending.ts";

test.each([
  [
    127,
    "[FATAL tini (7)] exec /bin/sh failed: No such file or directory\n",
    /exit code 127; it said ".*"\): its image seems to have no \/bin\/sh/,
  ],
  [127, "/bin/sh: 1: exec: sleep: not found", /it said ".*"\): its image has no sleep in/],
  [126, "exec /bin/sh failed: Exec format error", /another kind of processor/],
  [127, "", /^ \(exit code 127\): its image seems to have no \/bin\/sh/],
  [1, "disk is full", /^ \(exit code 1; it said "disk is full"\)$/],
  [null, "", /^$/],
])("exit code %s with %j", (exitCode, lastOutput, expected) => {
  expect(renderEnding({ exitCode, oomKilled: false, lastOutput })).toMatch(expected);
});

test("what a container says is one line, and cut", () => {
  const said = renderEnding({ exitCode: 1, oomKilled: true, lastOutput: `a\n\nb${"x".repeat(10_000)}` });
  expect(said).toMatch(/^ \(out of memory; it said "a bx+"\)$/);
  expect(said.length).toBeLessThan(400);
});
