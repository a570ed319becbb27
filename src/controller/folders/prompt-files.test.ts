// Files of a workspace that a model is shown: which, how much, and that names which a sandbox swaps or links lead to nothing else.
import { execFileSync } from "node:child_process";
import { chownSync, linkSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { makeGround, ROUNDS, ROUNDS_MS_MAX, swap } from "../../../test/attacks/attack.fixture.ts";
import { PROMPT_BYTES_MAX, readPromptFiles } from "./prompt-files.ts";

const HOST = { stateDir: "/nonexistent/state", home: "/nonexistent" };
const SECRET = "the host's secret";

function makeWorkspaces(): { ground: string; agent: string; sandbox: string; read(): ReturnType<typeof readPromptFiles> } {
  const ground = makeGround();
  const [agent, sandbox] = [join(ground, "agent"), join(ground, "sandbox")];
  for (const folder of [agent, sandbox]) mkdirSync(folder);
  writeFileSync(join(ground, "victim", "AGENTS.md"), SECRET);
  return { ground, agent, sandbox, read: () => readPromptFiles([agent, sandbox], HOST) };
}

test("they come in the order of the list, the agent's own before the sandbox's, and what is not there is left out", async () => {
  const { agent, sandbox, read } = makeWorkspaces();
  writeFileSync(join(agent, "TOOLS.md"), "use make");
  writeFileSync(join(sandbox, "TOOLS.md"), "use something else");
  writeFileSync(join(sandbox, "AGENTS.md"), "be kind \u{1f980}");
  writeFileSync(join(sandbox, "OTHER.md"), "not on the list");
  expect(await read()).toEqual([
    { name: "AGENTS.md", text: "be kind \u{1f980}", isCut: false },
    { name: "TOOLS.md", text: "use make", isCut: false },
  ]);
  expect(await readPromptFiles([join(agent, "nowhere")], HOST)).toEqual([]);
});

test("together they have 64 KiB at most, cut between characters, and the one that is cut says so", async () => {
  const { sandbox, read } = makeWorkspaces();
  writeFileSync(join(sandbox, "AGENTS.md"), "a".repeat(PROMPT_BYTES_MAX - 5));
  writeFileSync(join(sandbox, "SOUL.md"), "\u{1f980}\u{1f980}");
  writeFileSync(join(sandbox, "USER.md"), "never seen");
  const files = await read();
  expect(files.map(({ name, text, isCut }) => [name, Buffer.byteLength(text), isCut])).toEqual([
    ["AGENTS.md", PROMPT_BYTES_MAX - 5, false],
    ["SOUL.md", 4, true],
  ]);
});

test.each([
  ["a link to another file", (victim: string, path: string) => symlinkSync(victim, path)],
  ["a second name of another file", (victim: string, path: string) => linkSync(victim, path)],
  ["a pipe, on which a reader would wait", (_: string, path: string) => void execFileSync("mkfifo", [path])],
  ["a folder", (_: string, path: string) => mkdirSync(path)],
])("%s is not there", async (_, put) => {
  const { ground, sandbox, read } = makeWorkspaces();
  put(join(ground, "victim", "AGENTS.md"), join(sandbox, "AGENTS.md"));
  expect(await read()).toEqual([]);
});

test("another user's file, and a workspace that is a link, are not there", async (context) => {
  if (process.getuid?.() !== 0) return context.skip("only root can give files away");
  const { ground, sandbox } = makeWorkspaces();
  writeFileSync(join(sandbox, "AGENTS.md"), "planted");
  chownSync(join(sandbox, "AGENTS.md"), 61_235, 61_235);
  expect(await readPromptFiles([sandbox], HOST)).toEqual([]);
  symlinkSync(join(ground, "victim"), join(ground, "link"));
  expect(await readPromptFiles([join(ground, "link")], HOST)).toEqual([]);
});

test(
  "nothing but a workspace's own file is shown to a model, however often it is swapped",
  async () => {
    const { ground, sandbox, read } = makeWorkspaces();
    const [file, link] = [join(sandbox, "AGENTS.md"), join(sandbox, "other")];
    writeFileSync(file, "the workspace's own");
    symlinkSync(join(ground, "victim", "AGENTS.md"), link);
    await swap(file, link);
    let shown = 0;
    for (let round = 0; round < ROUNDS * 10; round += 1) {
      const files = await read();
      shown += files.length;
      expect(files.map(({ text }) => text).join(), `round ${round}`).not.toContain(SECRET);
    }
    expect(shown).toBeGreaterThan(0);
  },
  ROUNDS_MS_MAX,
);
