// What is ours for others' commands: every one parses here, and scripts of the checkout are there.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { toEpochMs } from "../api/brands.ts";
import type { CliContext } from "./context.ts";
import { COMPOSE_COMMANDS, KUBECTL_COMMANDS, OPENCLAW_COMMANDS, renderOurs } from "./other-commands.ts";
import { makeProgram } from "./program.ts";

const ALL = [...KUBECTL_COMMANDS, ...COMPOSE_COMMANDS, ...OPENCLAW_COMMANDS];

/** Parses as the shell would pass it on, runs nothing. @throws CommanderError */
async function parse(command: string): Promise<string> {
  let ran = "nothing";
  const context = {
    env: {},
    stdout: { write: () => true },
    stderr: { write: () => true },
    now: () => toEpochMs(0),
  } as unknown as CliContext;
  const program = makeProgram(context, async () => {
    ran = "a command";
  });
  await program.parseAsync(command.split(" ").slice(1), { from: "user" }).catch((error: { code?: string }) => {
    if (error.code !== "commander.version") throw error;
    ran = "a command";
  });
  return ran;
}

test("there are forty at least, each typed once, and those without ours say why", () => {
  expect(ALL.length).toBeGreaterThan(40);
  expect(new Set(ALL.map(({ typed }) => typed)).size).toBe(ALL.length);
  expect(ALL.filter(({ ours, why }) => ours === null && why === "")).toEqual([]);
});

test.each(ALL.flatMap(({ typed, ours }) => (ours === null ? [] : [{ typed, ours }])))("$typed is $ours here", async ({ ours }) => {
  if (ours.startsWith("openclaw ")) expect(await parse(ours)).toBe("a command");
  else expect(existsSync(join(import.meta.dirname, "../..", ours.split(" ")[0] ?? ""))).toBe(true);
});

test("a command that is none here, and is wrong, is found out by the parse above", async () => {
  await expect(parse("openclaw sandbox lsit")).rejects.toThrow();
  await expect(parse("openclaw sandbox list --nope")).rejects.toThrow();
});

test("a first word is answered with what is ours, each once, and an unknown one with nothing", () => {
  expect(renderOurs("restart")).toEqual(["openclaw sandbox recreate NAME"]);
  expect(renderOurs("scale")[0]).toMatch(/^there is none: /);
  expect(renderOurs("nonsense")).toEqual([]);
});
