// What a person chooses for a conversation or for one message, over a scripted model: what reaches the provider, what stays, what /status says; and what becomes
// of messages that wait.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { LLMock } from "@copilotkit/aimock";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { toAgentId, toSessionKey } from "../../api/brands.ts";
import { type AgentWorld, type Asked, openAgentWorld, STRANGER, script, textOf } from "./agent.fixture.ts";
import { MAIN } from "./loop.fixture.ts";

const mock = new LLMock({ port: 0, host: "127.0.0.1", logLevel: "silent" });
beforeAll(() => mock.start());
afterAll(() => mock.stop());
beforeEach(() => void mock.reset());

const effortOf = (asked: Asked | undefined): unknown => (asked as { reasoning_effort?: string } | undefined)?.reasoning_effort;
const modelOf = (asked: Asked | undefined): unknown => (asked as { model?: string } | undefined)?.model;
const lastOf = (asked: Asked | undefined): string => textOf(asked?.messages.at(-1));

async function answer(world: AgentWorld, text: string): Promise<void> {
  await world.say(text);
  await world.idle();
}

test("/think stays for the conversation and reaches the provider; in other text it is for that message alone", async () => {
  const world = await openAgentWorld({ mock });
  const asked = script(mock, ["one", "two", "three", "four"]);
  await answer(world, "first");
  expect(await world.say("/think high")).toMatchObject({ status: "answered", reply: "Thinking: high, in this conversation" });
  await answer(world, "second");
  await answer(world, "/think low third");
  await answer(world, "fourth");
  expect(asked.map(effortOf)).toEqual([undefined, "high", "low", "high"]);
  expect(lastOf(asked[2])).toBe("third");
  expect((await world.say("/status")).reply).toContain("Thinking: high, in this conversation");
  expect((await world.say("/think default")).reply).toBe("Thinking: as the provider does by itself");
  // The transcript has what was written.
  const messages = await world.sessions.messages(MAIN, { after: 0, limit: 10 });
  expect(messages.map(({ text }) => text)).toContain("/think low third");
});

test("the config says how hard models think where nothing else does, an agent's own first", async () => {
  const config = {
    agents: { defaults: { model: "mock/m", thinkingDefault: "medium" }, list: [{ id: "main" }, { id: "work", thinkingDefault: "off" }] },
  };
  const world = await openAgentWorld({ mock, config });
  const asked = script(mock, ["one", "two"]);
  await answer(world, "first");
  const key = toSessionKey("agent:work:main");
  await world.sessions.create({ key, agentId: toAgentId("work"), kind: "main" });
  await world.say("second", { session: key });
  await world.idle(key);
  expect(asked.map(effortOf)).toEqual(["medium", "none"]);
});

test("/model in a message is for it alone, and gives it a run of its own", async () => {
  const models = [{ id: "m" }, { id: "other" }];
  const config = { models: { providers: { mock: { baseUrl: `${mock.url}/v1`, apiKey: "sk-0123456789abcdef", models } } } };
  const world = await openAgentWorld({ mock, config });
  const asked = script(mock, [{ calls: [["exec", { command: "until [ -e go ]; do sleep 0.02; done" }]] }, "one", "two", "three"]);
  await world.say("first");
  await world.told("tool-placed");
  expect(await world.say("/model mock/other second")).toMatchObject({ status: "queued" });
  await writeFile(join(world.workspace, "go"), "");
  expect(await world.idle()).toEqual(["one", "two"]);
  await answer(world, "third");
  expect(asked.map(modelOf)).toEqual(["m", "m", "other", "m"]);
  expect(lastOf(asked[2])).toBe("second");
});

test("what steers by /think counts from there on to the end of the run", async () => {
  const world = await openAgentWorld({ mock });
  const asked = script(mock, [{ calls: [["exec", { command: "until [ -e go ]; do sleep 0.02; done" }]] }, "one", "two"]);
  await world.say("first");
  await world.told("tool-placed");
  expect(await world.say("harder /think xhigh")).toMatchObject({ status: "steered" });
  await writeFile(join(world.workspace, "go"), "");
  await world.idle();
  await answer(world, "again");
  expect(asked.map(effortOf)).toEqual([undefined, "xhigh", undefined]);
});

test("/verbose is told to whoever shows the run", async () => {
  const world = await openAgentWorld({ mock });
  script(mock, ["one", "two"]);
  await world.say("/verbose off");
  await answer(world, "first");
  await answer(world, "/verbose full second");
  expect(world.events.flatMap((event) => (event.kind === "started" ? [event.verbose] : []))).toEqual(["off", "full"]);
});

test("a run's calls say how much of them is to be shown: as its message said, else as the conversation says now", async () => {
  const world = await openAgentWorld({ mock });
  const call = (command: string) => ({ calls: [["exec", { command }]] as const });
  script(mock, [call("echo one"), "one", call("echo two"), "two", call("until [ -e go ]; do sleep 0.02; done"), "three"]);
  const shown = async () =>
    (await world.agent.history(MAIN, { limit: 100, before: null })).items.flatMap((item) => (item.kind === "tool" ? [item.verbose] : []));
  await answer(world, "first");
  await answer(world, "/verbose full second");
  expect(await shown()).toEqual([null, "full"]);
  await world.say("/verbose off");
  expect(await shown()).toEqual(["off", "full"]);
  await world.say("third");
  await world.told("tool-placed");
  expect(world.agent.current(MAIN)?.verbose).toBe("off");
  await world.say("/verbose on");
  expect(world.agent.current(MAIN)?.verbose).toBe("on");
  await writeFile(join(world.workspace, "go"), "");
  await world.idle();
  expect(await shown()).toEqual(["on", "full", "on"]);
});

test("in what another session says, and in a job's text, commands and directives are text", async () => {
  const world = await openAgentWorld({ mock });
  const asked = script(mock, ["one", "two"]);
  await world.say("/think high go", { requester: { kind: "schedule", id: "cron:x", isOwner: true } });
  await world.idle();
  const key = toSessionKey("agent:main:other");
  await world.sessions.create({ key, agentId: toAgentId("main"), kind: "direct" });
  await world.say("/think high go", { requester: { kind: "session", id: key, isOwner: true } });
  await world.idle();
  expect(asked.map(effortOf)).toEqual([undefined, undefined]);
  expect(asked.map(lastOf).every((text) => text.includes("/think high go"))).toBe(true);
});

test("/activation is a group's and its owner's: who speaks to the agent gets an answer, or it may say nothing", async () => {
  const world = await openAgentWorld({ mock });
  expect((await world.say("/activation always")).reply).toContain("This is no group");
  const session = toSessionKey("agent:main:telegram:group:1");
  await world.sessions.create({ key: session, agentId: toAgentId("main"), kind: "group" });
  expect((await world.say("/activation mention", { session, requester: STRANGER })).reply).toBe("Only the owner may change that.");
  const asked = script(mock, ["NO_REPLY", "NO_REPLY", "Here I am."]);
  await world.say("hello all", { session });
  expect(await world.idle(session)).toEqual([""]);
  expect((await world.say("/activation mention", { session })).reply).toContain("Activation: mention");
  await world.say("hello agent", { session });
  expect(await world.idle(session)).toEqual(["", "Here I am."]);
  expect(asked).toHaveLength(3);
  expect((await world.say("/status", { session })).reply).toContain("Activation: mention");
});

describe("messages that wait", () => {
  const busy = { calls: [["exec", { command: "echo begun; until [ -e go ]; do sleep 0.02; done" }]] } as const;

  async function openBusy(steps: Parameters<typeof script>[1], queue: object) {
    const world = await openAgentWorld({ mock, config: { messages: { queue } } });
    const asked = script(mock, [busy, ...steps]);
    await world.say("first");
    await world.told("tool-output");
    return { world, asked, go: () => writeFile(join(world.workspace, "go"), "") };
  }

  test("those that come one after the other are taken once nothing more comes", async () => {
    const { world, asked, go } = await openBusy(["one", "two"], { mode: "collect", debounceMs: 60_000 });
    await world.say("second");
    await go();
    await world.told("ended", ({ text }) => text === "one");
    expect(await world.say("third")).toMatchObject({ status: "queued" });
    expect(asked).toHaveLength(2);
    // A shorter quiet counts at once.
    await world.say("/queue debounce:50ms");
    await world.say("fourth");
    await world.told("ended", ({ text }) => text === "two");
    expect(asked[2]?.messages.slice(-3).map(textOf)).toEqual(["second", "third", "fourth"]);
  });

  test("one more than may wait is refused, and nothing of it is kept", async () => {
    const { world, go } = await openBusy(["one", "two"], { mode: "followup", debounceMs: 0, cap: 1 });
    await world.say("second");
    await expect(world.say("third")).rejects.toMatchObject({ code: "LimitExceeded" });
    await go();
    expect(await world.idle()).toEqual(["one", "two"]);
    expect(JSON.stringify(await world.lines())).not.toContain("third");
  });

  test("the oldest makes room where that is asked for, whoever waits for it hears so, and it is shown as not answered", async () => {
    const { world, asked, go } = await openBusy(["one", "two"], { mode: "followup", debounceMs: 0, cap: 1, drop: "old" });
    const { runId } = await world.say("second");
    await world.say("third");
    expect(world.events.some((event) => event.runId === runId && event.kind === "ended" && event.outcome === "aborted")).toBe(true);
    await go();
    expect(await world.idle()).toEqual(["", "one", "two"]);
    expect(lastOf(asked[2])).toBe("third");
    const { items } = await world.agent.history(MAIN, { limit: 50, before: null });
    expect(items.find((item) => item.kind === "user" && item.text === "second")).toMatchObject({ state: "interrupted" });
    expect(items).toContainEqual(expect.objectContaining({ kind: "note", text: expect.stringContaining("the oldest was dropped") }));
  });

  test("of those that make room the beginning is told, with the next one", async () => {
    const { world, asked, go } = await openBusy(["one", "two"], { mode: "followup", debounceMs: 0, cap: 1, drop: "summarize" });
    await world.say(`second ${"x".repeat(1_000)}`);
    const { runId } = await world.say("third");
    await go();
    expect((await world.idle()).filter((text) => text !== "")).toEqual(["one", "two"]);
    const shown = asked[2]?.messages.slice(-2).map(textOf);
    expect(shown?.[0]).toMatch(/^\(More messages came than may wait; .*\) second x+$/);
    expect(shown?.[0]?.length).toBeLessThan(300);
    expect(shown?.[1]).toBe("third");
    expect(world.events.find((event) => event.kind === "ended" && event.text === "two")?.runId).toBe(runId);
  });

  test("what steers is bounded too", async () => {
    const { world, go } = await openBusy(["one"], { mode: "steer", cap: 2 });
    for (const text of ["second", "third"]) expect(await world.say(text)).toMatchObject({ status: "steered" });
    await expect(world.say("fourth")).rejects.toMatchObject({ code: "LimitExceeded" });
    await go();
    await world.idle();
  });

  test("/stop drops what waits for quiet, and nothing begins afterwards", async () => {
    const { world, asked, go } = await openBusy(["one"], { mode: "collect", debounceMs: 300 });
    await world.say("second");
    await go();
    await world.told("ended", ({ text }) => text === "one");
    expect((await world.say("/stop")).reply).toBe("Stopped: 1 message that waited.");
    await world.say("/queue debounce:0");
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(asked).toHaveLength(2);
  });

  test("/queue keeps each of its options, says them, and default takes them back", async () => {
    const world = await openAgentWorld({ mock });
    const set = await world.say("/queue collect debounce:2s cap:3 drop:old");
    expect(set.reply).toBe("Queue: collect; 3 may wait, then the oldest is dropped; taken after 2000 ms of quiet");
    expect((await world.say("/queue cap:5")).reply).toContain("collect; 5 may wait");
    expect((await world.say("/queue default")).reply).toBe("Queue: steer; 20 may wait, one more is refused; taken after 0 ms of quiet");
  });
});
