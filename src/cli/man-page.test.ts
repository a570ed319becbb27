// Manual pages: each command has one, with every option of its help, and a reader of manual pages finds nothing wrong with them.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Command, Help, Command as NewCommand } from "commander";
import { expect, onTestFinished, test } from "vitest";
import { cli } from "../../test/cli.fixture.ts";
import { toEpochMs } from "../api/brands.ts";
import type { CliContext } from "./context.ts";
import { renderManPage, renderManPages } from "./man-page.ts";
import { makeProgram } from "./program.ts";

const program = makeProgram({ env: {}, now: () => toEpochMs(0) } as unknown as CliContext, async () => undefined);
const PAGES = renderManPages(program);

function everyName(command: Command, above: readonly string[] = []): string[] {
  const words = [...above, command.name()];
  const children = command.commands.filter((child) => child.name() !== "help");
  return [words.join("-"), ...children.flatMap((child) => everyName(child, words))];
}

const everyCommand = (command: Command): Command[] => [command, ...command.commands.flatMap(everyCommand)];

test("each command has its page, and no page is for none", () => {
  expect(PAGES.map(({ file }) => file).toSorted()).toEqual(
    everyName(program)
      .map((name) => `${name}.1`)
      .toSorted(),
  );
  expect(PAGES.length).toBeGreaterThan(60);
});

test.each(everyCommand(program).filter((command) => command.name() !== "help"))("the page of $_name has what its help has", (command) => {
  const { text } = renderManPage(command);
  for (const { flags } of new Help().visibleOptions(command)) expect(text).toContain(flags.replaceAll("-", "\\-"));
  for (const child of command.commands.filter((one) => one.name() !== "help")) expect(text).toContain(child.name().replaceAll("-", "\\-"));
});

test("examples of the help stand in the page as they are typed", () => {
  expect(
    renderManPage(program.commands.find((one) => one.name() === "sandbox")?.commands.find((one) => one.name() === "exec") ?? program).text,
  ).toContain("  openclaw sandbox exec main \\-\\- sh \\-c 'id; pwd'");
});

test("what looks like a request or an escape is text", () => {
  const hostile = new NewCommand("openclaw").description(".so /etc/passwd\n'ig \\fB").addCommand(new NewCommand("x").description(".TH"));
  const { text } = renderManPage(hostile);
  expect(text.split("\n").filter((line) => /^[.'](?!TH|SH|TP|B |BR |nf|fi|I )/.test(line))).toEqual([]);
  expect(text).toContain("\\efB");
});

const LINTERS: readonly (readonly [string, readonly string[]])[] = [
  ["mandoc", ["-T", "lint", "-W", "error"]],
  ["groff", ["-man", "-Tutf8", "-ww", "-z"]],
];
const linter = LINTERS.find(([name]) => spawnSync(name, ["--version"]).error === undefined);

test("a reader of manual pages finds nothing wrong", (context) => {
  if (linter === undefined) return context.skip("neither mandoc nor groff is installed");
  const [name, args] = linter;
  for (const { file, text } of PAGES) {
    const said = spawnSync(name, [...args], { input: text, encoding: "utf8" });
    expect({ file, said: said.stderr + (name === "mandoc" ? said.stdout : "") }).toEqual({ file, said: "" });
  }
});

test("man prints one page and installs all of them", async () => {
  const folder = mkdtempSync(join(tmpdir(), "openclaw-man-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const ask = async (...args: string[]) => await cli(["man", ...args], { stateDir: folder });
  expect((await ask("sandbox", "ls")).stdout).toMatch(/^\.TH OPENCLAW\\-SANDBOX\\-LIST 1 /);
  expect(await ask("nonsense")).toMatchObject({ code: 3 });
  expect(await ask("--all", folder)).toMatchObject({ code: 0, stdout: `${PAGES.length} pages are in ${folder}/man1\n` });
  expect(readdirSync(join(folder, "man1")).length).toBe(PAGES.length);
  expect(readFileSync(join(folder, "man1", "openclaw.1"), "utf8")).toBe(PAGES[0]?.text);
});
