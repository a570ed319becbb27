// The last release before there was a run log, taken from this repository's own history and started on the files that today's gateway writes: it serves what it
// knows, adds to it, and loses nothing of what it does not know. Then today's gateway goes on from there.
import { execFileSync, spawn } from "node:child_process";
import { mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { text as readText } from "node:stream/consumers";
import { LLMock } from "@copilotkit/aimock";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createFolder } from "../src/api/store/folder.fixture.ts";
import { openAgentWorld, script, textOf } from "../src/gateway/agent/agent.fixture.ts";
import { MAIN } from "../src/gateway/agent/loop.fixture.ts";

const CHECKOUT = resolve(import.meta.dirname, "..");
const mock = new LLMock({ port: 0, host: "127.0.0.1", logLevel: "silent" });
beforeAll(() => mock.start());
afterAll(() => mock.stop());

/** What the release did with it, as JSON on stdout. Its own modules, its own way to open, read, write and stop. */
const PROGRAM = `
  import { randomUUID } from "node:crypto";
  import { Sessions } from "./src/gateway/sessions/sessions.ts";
  const [stateDir, key] = process.argv.slice(2);
  const sessions = await Sessions.open({ stateDir, now: Date.now, newUid: randomUUID, writeFailed: (_, error) => { throw error; } });
  const before = await sessions.messages(key, { after: 0, limit: 1_000 });
  const added = await sessions.append(key, { role: "user", text: "said to the release before", from: null });
  await sessions.touch(key);
  const keys = sessions.list().map(({ spec }) => spec.key);
  await sessions.stop();
  console.log(JSON.stringify({ isComplete: sessions.isComplete, keys, before, added }));
`;

const git = (...args: readonly string[]): string =>
  execFileSync("git", args, { cwd: CHECKOUT, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();

/** The commit before the one that brought the run log, or why it is not here. */
function findRelease(): { commit: string } | { why: string } {
  try {
    if (git("rev-parse", "--is-shallow-repository") === "true")
      return { why: "this clone is shallow: the release before the run log is not in it" };
    const [first] = git("log", "--diff-filter=A", "--format=%H", "--", "src/gateway/sessions/run-log-file.ts").split("\n").slice(-1);
    return first === undefined || first === ""
      ? { why: "this history does not have the commit that brought the run log" }
      : { commit: `${first}^` };
  } catch {
    return { why: "this is no checkout with a history, or there is no git" };
  }
}

/** The sources of the release, with today's packages. */
async function extract(commit: string): Promise<string> {
  const folder = await createFolder();
  const archive = execFileSync("git", ["archive", commit, "src", "package.json"], { cwd: CHECKOUT, maxBuffer: 268_435_456 });
  execFileSync("tar", ["-x", "-C", folder], { input: archive });
  await symlink(join(CHECKOUT, "node_modules"), join(folder, "node_modules"));
  await writeFile(join(folder, "read-sessions.ts"), PROGRAM);
  return folder;
}

async function start(release: string, stateDir: string) {
  const args = ["--no-warnings", join(release, "read-sessions.ts"), stateDir, MAIN];
  const child = spawn(process.execPath, args, { cwd: release, stdio: ["ignore", "pipe", "pipe"] });
  const ended = new Promise<number | null>((done) => void child.once("close", done));
  const [stdout, stderr, code] = await Promise.all([readText(child.stdout), readText(child.stderr), ended]);
  if (code !== 0) throw new Error(`the release ended with ${code}: ${stderr}`);
  return JSON.parse(stdout) as { isComplete: boolean; keys: string[]; before: { role: string; text: string }[]; added: { id: number } };
}

/** Every file of the sessions, byte for byte. */
async function readFiles(stateDir: string): Promise<Map<string, string>> {
  const folder = join(stateDir, "agents", "main", "sessions");
  const names = (await readdir(folder)).toSorted();
  return new Map(await Promise.all(names.map(async (name) => [name, await readFile(join(folder, name), "utf8")] as const)));
}

const isRunLog = (name: string): boolean => name.endsWith(".runs.jsonl");
const isTranscript = (name: string): boolean => name.endsWith(".transcript.jsonl");

test("the release before the run log reads and adds to today's files, and nothing is lost on the way there and back", async ({ skip }) => {
  const found = findRelease();
  if ("why" in found) return skip(found.why);
  const world = await openAgentWorld({ mock });
  await mkdir(join(world.workspace, "notes"), { recursive: true });
  script(mock, [{ text: "I look.", calls: [["exec", { command: "echo heron" }]] }, "The word is heron.", "Yes, both."]);
  await world.say("/think high");
  await world.say("/verbose off which word?");
  expect(await world.idle()).toEqual(["The word is heron."]);
  await world.agent.stop();
  await world.sessions.stop();
  const before = await readFiles(world.stateDir);
  expect([...before.keys()].filter(isRunLog)).toHaveLength(1);

  const told = await start(await extract(found.commit), world.stateDir);
  expect(told).toMatchObject({ isComplete: true, keys: [MAIN] });
  expect(told.before.map(({ role, text }) => [role, text])).toEqual([
    ["user", "/verbose off which word?"],
    ["assistant", "The word is heron."],
  ]);

  const after = await readFiles(world.stateDir);
  expect([...after.keys()]).toEqual([...before.keys()]);
  for (const [name, content] of before) {
    if (isRunLog(name)) expect(after.get(name)).toBe(content);
    if (isTranscript(name)) expect(after.get(name)?.startsWith(content)).toBe(true);
  }

  const again = await openAgentWorld({ mock, stateDir: world.stateDir });
  const { items } = await again.agent.history(MAIN, { limit: 100, before: null });
  expect(items.map(({ kind }) => kind)).toEqual(["user", "assistant", "tool", "assistant", "user"]);
  expect((await again.say("/think")).reply).toBe("Thinking: high, in this conversation");
  await again.say("do you know both?");
  expect(await again.idle()).toEqual(["Yes, both."]);
  const shown = mock.getRequests().at(-1)?.body as unknown as { messages: Parameters<typeof textOf>[0][] };
  const texts = shown.messages.map(textOf);
  for (const said of ["which word?", "The word is heron.", "said to the release before", "do you know both?"])
    expect(texts.filter((text) => text.includes(said)).length, said).toBe(1);
});
