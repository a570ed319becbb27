// What is ours for others' commands: every one parses here, and scripts of the checkout are there.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { COMPOSE_COMMANDS, KUBECTL_COMMANDS, OPENCLAW_COMMANDS, renderOurs } from "./other-commands.ts";
import { parseCommand } from "./parse-command.fixture.ts";

const ALL = [...KUBECTL_COMMANDS, ...COMPOSE_COMMANDS, ...OPENCLAW_COMMANDS];

test("there are forty at least, each typed once, and those without ours say why", () => {
  expect(ALL.length).toBeGreaterThan(40);
  expect(new Set(ALL.map(({ typed }) => typed)).size).toBe(ALL.length);
  expect(ALL.filter(({ ours, why }) => ours === null && why === "")).toEqual([]);
});

test.each(ALL.flatMap(({ typed, ours }) => (ours === null ? [] : [{ typed, ours }])))("$typed is $ours here", async ({ ours }) => {
  if (ours.startsWith("openclaw ")) expect(await parseCommand(ours.slice("openclaw ".length))).toBe("runs");
  else expect(existsSync(join(import.meta.dirname, "../..", ours.split(" ")[0] ?? ""))).toBe(true);
});

test("a command that is none here, and is wrong, is found out by the parse above", async () => {
  expect(await parseCommand("sandbox lsit")).toBe("commander.unknownCommand");
  expect(await parseCommand("sandbox list --nope")).toBe("commander.unknownOption");
});

test("a first word is answered with what is ours, each once, and an unknown one with nothing", () => {
  expect(renderOurs("restart")).toEqual(["openclaw sandbox recreate NAME"]);
  expect(renderOurs("scale")[0]).toMatch(/^there is none: /);
  expect(renderOurs("nonsense")).toEqual([]);
});
