import type { Command } from "commander";
import { expect, it } from "vitest";
import { toEpochMs } from "../api/brands.ts";
import type { CliContext } from "./context.ts";
import { makeProgram } from "./program.ts";

interface Said {
  program: Command;
  /** What it printed, of either kind. */
  text(): string;
}

function make(args?: readonly string[]): Said {
  let text = "";
  const stream = { columns: 100, write: (piece: string) => (text += piece) };
  const context = { env: {}, stdout: stream, stderr: stream, now: () => toEpochMs(0) } as unknown as CliContext;
  return { program: makeProgram(context, async () => undefined, args), text: () => text };
}

const pathsOf = (command: Command, path: readonly string[] = []): string[][] =>
  command.commands.flatMap((child) =>
    [child.name(), ...child.aliases()].flatMap((name) => [[...path, name], ...pathsOf(child, [...path, name])]),
  );

async function say(args: readonly string[], given?: readonly string[]): Promise<string> {
  const { program, text } = make(given);
  await program.parseAsync([...args], { from: "user" }).catch(() => undefined);
  return text();
}

const PATHS = pathsOf(make().program);

it("says the same of each command, whether the others are made or not", { timeout: 30_000 }, async () => {
  expect(PATHS.length).toBeGreaterThan(80);
  for (const path of PATHS)
    for (const rest of [["--help"], ["--no-such-option"], ["no-such-word", "--no-such-option", "and", "more", "words"]])
      expect(await say([...path, ...rest], [...path, ...rest]), path.join(" ")).toBe(await say([...path, ...rest]));
});

it("makes every command where the first word is none, or is about all of them", () => {
  const all = make().program.commands.length;
  for (const args of [[], ["--help"], ["help", "sandbox"], ["completion", "bash"], ["man"], ["sandbx"]])
    expect(make(args).program.commands.length).toBe(all);
});

it("makes only what may be meant where that is told by the first words", () => {
  expect(pathsOf(make(["sandbox", "list"]).program)).toEqual([["sandbox"], ["sandbox", "list"], ["sandbox", "ls"]]);
  for (const [first = ""] of PATHS.filter((path) => path.length === 1 && !["channels", "completion", "man"].includes(path[0] ?? "")))
    expect(make([first]).program.commands.length, first).toBeLessThan(6);
});
