// The file of what runs did: it survives a cut at any byte, keeps what it does not know, and has a name that the release before it does not look at.
import { appendFile, cp, readdir, readFile, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { LLMock } from "@copilotkit/aimock";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { createFolder } from "../../api/store/folder.fixture.ts";
import { type AgentWorld, openAgentWorld, script, textOf } from "./agent.fixture.ts";
import type { HistoryItem } from "./agent-port.ts";
import { MAIN } from "./loop.fixture.ts";

const mock = new LLMock({ port: 0, host: "127.0.0.1", logLevel: "silent" });
beforeAll(() => mock.start());
afterAll(() => mock.stop());
beforeEach(() => void mock.reset());

async function findLog(stateDir: string): Promise<string> {
  const folder = join(stateDir, "agents", "main", "sessions");
  const [name = ""] = (await readdir(folder)).filter((one) => one.endsWith(".runs.jsonl"));
  return join(folder, name);
}

/** Another gateway over the same files. */
const reopen = (world: AgentWorld): Promise<AgentWorld> => openAgentWorld({ mock, stateDir: world.stateDir });

async function runOnce(): Promise<{ world: AgentWorld; path: string; whole: Buffer }> {
  const world = await openAgentWorld({ mock });
  script(mock, [
    {
      text: "so",
      calls: [
        ["exec", { command: "echo one" }],
        ["exec", { command: "echo two" }],
      ],
    },
    "done",
    "again",
  ]);
  await world.say("go");
  await world.idle();
  await world.agent.stop();
  const path = await findLog(world.stateDir);
  return { world, path, whole: await readFile(path) };
}

test("cut at any byte it is a conversation that a provider takes: what was whole is there, each call has a result, and nothing is left open", async () => {
  const { world, path, whole } = await runOnce();
  for (let at = 1; at < whole.length; at += 97) {
    await writeFile(path, whole);
    await truncate(path, at);
    const { agent, sessions } = await reopen(world);
    const { items } = await agent.history(MAIN, { limit: 1_000, before: null });
    const kept = whole.subarray(0, at).toString("utf8").split("\n").slice(0, -1);
    const lines = await (await sessions.openRunLog(MAIN)).read({ after: 0, limit: 1_000 });
    expect(lines.slice(0, kept.length), `cut at ${at}`).toEqual(kept);
    expect(
      items.filter((item) => (item.kind === "tool" && item.state === "running") || (item.kind === "user" && item.state === "queued")),
    ).toEqual([]);
  }
});

test("read in pages of any length it is the same conversation, and no call is on another page than its result", async () => {
  const { world } = await runOnce();
  const all = await world.agent.history(MAIN, { limit: 1_000, before: null });
  expect(all.items.filter(({ kind }) => kind === "tool")).toHaveLength(2);
  for (let limit = 1; limit <= all.items.length; limit += 1) {
    const items: HistoryItem[] = [];
    for (let before: number | null = null, isFirst = true; isFirst || before !== null; isFirst = false) {
      const page = await world.agent.history(MAIN, { limit, before });
      items.unshift(...page.items);
      before = page.before;
    }
    expect(items, `${limit} lines a page`).toEqual(all.items);
  }
});

test("lines of kinds and versions that are not known here stay byte for byte, and what a model sees leaves them out", async () => {
  const { world, path } = await runOnce();
  const later = [
    '{"v":1,"at":0,"kind":"hologram",  "spaces" : "stay"}',
    '{"v":2,"at":0,"kind":"note","text":{"rich":true}}',
    '{"other":["program"]}',
  ];
  await appendFile(path, `${later.join("\n")}\n`);
  const again = await reopen(world);
  mock.reset();
  script(mock, ["fine"]);
  await again.say("more");
  expect(await again.idle()).toEqual(["fine"]);
  const text = await readFile(path, "utf8");
  for (const line of later) expect(text).toContain(`\n${line}\n`);
  expect((await again.agent.history(MAIN, { limit: 100, before: null })).items.at(-1)).toMatchObject({ kind: "assistant", text: "fine" });
});

test("its name is none that a release before it opens or removes, and messages that such a release added are seen by the model", async () => {
  const { world, path } = await runOnce();
  expect(path).not.toMatch(/\.(?:transcript\.jsonl|session\.json)$/);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  // As it writes them: in the transcript alone.
  await world.sessions.append(MAIN, { role: "user", text: "said meanwhile", from: null });
  const again = await reopen(world);
  mock.reset();
  const asked = script(mock, ["seen"]);
  await again.say("and now?");
  await again.idle();
  expect(asked[0]?.messages.slice(1).map(textOf).slice(-3)).toEqual(["done", "said meanwhile", "and now?"]);
  // What a run said is in both files, and once in what a model sees.
  expect(asked[0]?.messages.filter((message) => textOf(message) === "done")).toHaveLength(1);
  await again.agent.inject(MAIN, "a note", { kind: "owner", id: "owner", isOwner: true });
  expect((await again.agent.history(MAIN, { limit: 100, before: null })).items.at(-1)).toMatchObject({ kind: "assistant", text: "a note" });
});

test("a child that was interrupted with the gateway says so to its parent, whose model sees it with the next message", async () => {
  const world = await openAgentWorld({ mock });
  mock.on({ systemMessage: "You were begun by another session" }, () => ({
    toolCalls: [{ name: "exec", arguments: '{"command":"echo begun; sleep 300"}', id: "call_child" }],
  }));
  script(mock, [{ calls: [["sessions_spawn", { task: "work" }]] }, "It works on it."]);
  await world.say("spawn one");
  await world.told("tool-output", ({ text }) => text.includes("begun"));
  await world.idle();
  const copy = await createFolder();
  await cp(world.stateDir, copy, { recursive: true });
  await world.agent.abort(MAIN, null);
  const again = await openAgentWorld({ mock, stateDir: copy });
  await vi.waitFor(async () => expect(await again.sessions.countMessages(MAIN)).toBe(3), { timeout: 20_000 });
  mock.reset();
  const asked = script(mock, ["seen"]);
  await again.say("and?");
  await again.idle();
  expect(textOf(asked[0]?.messages.at(-2))).toContain("was interrupted by a restart of the gateway, and will not answer.");
});

test("it goes with its session, also where a crash came between the two", async () => {
  const { world, path } = await runOnce();
  const stranger = join(path, "..", "notes.runs.jsonl");
  const left = path.replace(/\.[0-9a-f-]{36}\.runs/, ".00000000-0000-4000-8000-000000000000.runs");
  await writeFile(stranger, "somebody else's\n");
  await writeFile(left, "{}\n");
  const again = await reopen(world);
  const files = await readdir(join(path, ".."));
  expect([files.includes("notes.runs.jsonl"), files.some((name) => left.endsWith(name))]).toEqual([true, false]);
  await again.sessions.reset(MAIN);
  await expect(stat(path)).rejects.toThrow("ENOENT");
});

test("two hundred steps in a row write as much for the last as for the first", async () => {
  const world = await openAgentWorld({ mock, defaults: { run: { maxSteps: 300 } } });
  script(mock, [...Array.from({ length: 200 }, (_, at) => ({ calls: [["exec", { command: `echo ${at + 1_000}` }]] as const })), "done"]);
  await world.say("go");
  expect(await world.idle()).toEqual(["done"]);
  const lines = await (await world.sessions.openRunLog(MAIN)).read({ after: 0, limit: 10_000 });
  const sizes = lines.filter((line) => line.includes('"kind":"assistant"')).map(({ length }) => length);
  expect(sizes[198]).toBeLessThan((sizes[1] ?? 0) + 20);
}, 120_000);
