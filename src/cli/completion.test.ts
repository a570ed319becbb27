// The completion scripts: a real bash completes with them, and they know every command that the help knows.
import { execFileSync } from "node:child_process";
import { Command } from "commander";
import { expect, test } from "vitest";
import { toEpochMs } from "../api/brands.ts";
import { renderCompletion, SHELLS } from "./completion.ts";
import type { CliContext } from "./context.ts";
import { makeProgram } from "./program.ts";

const program = makeProgram({ env: {}, now: () => toEpochMs(0) } as unknown as CliContext, async () => undefined);

function completeInBash(...words: string[]): string[] {
  const script = `${renderCompletion(program, "bash")}
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _openclaw; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return execFileSync("bash", ["-c", script, "bash", "openclaw", ...words], { encoding: "utf8" })
    .split("\n")
    .filter((word) => word !== "");
}

test.each([
  [["sand"], ["sandbox"]],
  [["sandbox", "li"], ["list"]],
  [["sandbox", "rollout", "pa"], ["pause"]],
  [["sandbox", "list", "--out"], ["--output"]],
  [["sandbox", "describe", "main", "--js"], ["--json"]],
  [["config", "un"], ["unset"]],
  // --detached is between two processes of ours.
  [["start", "--deta"], ["--detach"]],
  [["nonsense-"], []],
])("bash completes %j with %j", (words, expected) => {
  expect(completeInBash(...words)).toEqual(expected);
});

test.each(SHELLS)("%s knows every command, and a description can't end a quote", (shell) => {
  const script = renderCompletion(program, shell);
  for (const command of program.commands) expect(script).toContain(command.name());
  const hostile = new Command("openclaw").addCommand(new Command("x").description("it's; $(touch /tmp/x)"));
  expect(renderCompletion(hostile, shell)).not.toContain("it's");
});
