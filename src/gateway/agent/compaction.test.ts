// A conversation that gets too long, over a scripted model: what the agent writes down before, what is told of it, and which summary counts.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { LLMock } from "@copilotkit/aimock";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { openAgentWorld, STRANGER, script, textOf } from "./agent.fixture.ts";
import { MAIN } from "./loop.fixture.ts";

const mock = new LLMock({ port: 0, host: "127.0.0.1", logLevel: "silent" });
beforeAll(() => mock.start());
afterAll(() => mock.stop());
beforeEach(() => void mock.reset());

/** Soon in each conversation, and never reached. */
const SOON = { keepRecentTokens: 1_000, reserveTokens: 1_000, memoryFlush: { enabled: true, softThresholdTokens: 38_500 } };
const note = (text: string) => [["write", { path: "memory/today.md", content: text }]] as const;

test("before a conversation has to be made shorter the agent writes down what it must not forget, once, and nobody reads what it says then", async () => {
  const world = await openAgentWorld({ mock, contextWindow: 40_000, defaults: { compaction: SOON } });
  const asked = script(mock, [{ text: "I note it.", calls: note("heron\n") }, "NO_REPLY", "The answer.", "Again."]);
  await world.say("which word?");
  expect(await world.idle()).toEqual(["The answer."]);
  expect(await readFile(join(world.workspace, "memory/today.md"), "utf8")).toBe("heron\n");
  expect(asked[0]?.messages.slice(-2).map(textOf)).toEqual([
    "which word?",
    expect.stringContaining("are about to be replaced by a summary"),
  ]);
  expect(textOf(asked[2]?.messages.at(-1))).toBe("That is over. Go on with what you were asked before.");
  const told = world.events.flatMap((event) => (event.kind === "text" ? [event.delta] : []));
  expect(told.join("")).toBe("The answer.");
  const { items } = await world.agent.history(MAIN, { limit: 50, before: null });
  expect(items.map(({ kind }) => kind)).toEqual(["user", "note", "assistant", "tool", "assistant"]);
  await world.say("and again?");
  expect(await world.idle()).toEqual(["The answer.", "Again."]);
  expect(textOf(asked[3]?.messages.at(-1))).toBe("and again?");
});

test("an agent that only goes on writing is told that it is over", async () => {
  const world = await openAgentWorld({ mock, contextWindow: 40_000, defaults: { compaction: SOON } });
  const asked = script(mock, [...Array.from({ length: 6 }, (_, at) => ({ calls: note(`${at}\n`) })), "The answer."]);
  await world.say("which word?");
  expect(await world.idle()).toEqual(["The answer."]);
  expect(asked).toHaveLength(7);
  // The last call was not run.
  expect(await readFile(join(world.workspace, "memory/today.md"), "utf8")).toBe("4\n");
});

test("who may not write is not asked to, and what is asked of him then gives no rights", async () => {
  const world = await openAgentWorld({ mock, contextWindow: 40_000, defaults: { compaction: SOON } });
  const asked = script(mock, ["The answer."]);
  await world.say("which word?", { requester: STRANGER });
  expect(await world.idle()).toEqual(["The answer."]);
  expect(asked).toHaveLength(1);
});

async function overflow(compaction: object, summary: string) {
  const world = await openAgentWorld({
    mock,
    contextWindow: 12_000,
    defaults: { compaction: { keepRecentTokens: 1_000, reserveTokens: 1_000, ...compaction } },
  });
  await writeFile(join(world.workspace, "long"), "heron\n".repeat(20_000));
  script(mock, [
    { calls: [["exec", { command: "cat long" }]] },
    (request) => (isSummary(request) ? summary : "no summary was asked for"),
    "Done.",
  ]);
  await world.say("read long");
  expect(await world.idle()).toEqual(["Done."]);
  return world;
}

const isSummary = ({ messages }: { messages: { role: string; content: unknown }[] }): boolean =>
  messages.some((message) => message.role === "system" && textOf(message).startsWith("You write the summary"));

test("with the mode default a summary counts whatever its form", async () => {
  const world = await overflow({ mode: "default" }, "We looked at herons.");
  const [compaction] = (await world.lines()).filter(({ kind }) => kind === "compaction");
  expect(compaction?.summary).toContain("We looked at herons.");
});

test("the conversation says before and after that it is made shorter, where that is asked for", async () => {
  const summary = "## Goal\nTo look.\n## Decisions\nNone.\n## State\nRead it.\n## Next\nAnswer.";
  const world = await overflow({ notifyUser: true }, summary);
  const said = [
    "Earlier parts of this conversation are put together.",
    expect.stringMatching(/^That is done: about \d+ tokens are \d+ now\.$/),
  ];
  expect(world.events.flatMap((event) => (event.kind === "notice" ? [event.text] : []))).toEqual(said);
  const { items } = await world.agent.history(MAIN, { limit: 50, before: null });
  expect(items.flatMap((item) => (item.kind === "note" ? [item.text] : []))).toEqual(said);
  mock.reset();
  expect((await overflow({}, summary)).events.some(({ kind }) => kind === "notice")).toBe(false);
});
