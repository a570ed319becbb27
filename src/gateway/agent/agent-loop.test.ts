// The loop over real tools on this host and a scripted model: what a message starts, what is written down, what is told, and how runs end.
import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { LLMock } from "@copilotkit/aimock";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { toDurationMs } from "../../api/brands.ts";
import { createFolder } from "../../api/store/folder.fixture.ts";
import { isGone, openAgentWorld, script, textOf } from "./agent.fixture.ts";
import { MAIN } from "./loop.fixture.ts";

const mock = new LLMock({ port: 0, host: "127.0.0.1", logLevel: "silent" });
beforeAll(() => mock.start());
afterAll(() => mock.stop());
beforeEach(() => void mock.reset());

test("a message starts a run: the model calls a tool, reads its result, and answers in the transcript", async () => {
  const world = await openAgentWorld({ mock });
  await writeFile(join(world.workspace, "note.txt"), "the word is heron\n");
  const asked = script(mock, [{ text: "Let me look.", calls: [["exec", { command: "cat note.txt" }]] }, "The word is heron."]);
  const accepted = await world.say("which word?");
  expect(accepted).toMatchObject({ status: "started", reply: null });
  expect(await world.idle()).toEqual(["The word is heron."]);
  expect((await world.sessions.messages("agent:main:main", { after: 0, limit: 10 })).map(({ role, text }) => [role, text])).toEqual([
    ["user", "which word?"],
    ["assistant", "The word is heron."],
  ]);
  expect((await world.lines()).map(({ kind }) => kind)).toEqual([
    ...["input", "started", "adopted", "assistant", "calling", "result", "assistant", "ended"],
  ]);
  const [first, second] = asked;
  expect(first?.tools?.map(({ function: { name } }) => name)).toContain("exec");
  expect(textOf(first?.messages[0])).toContain("You may use: ");
  expect(second?.messages.at(-1)).toMatchObject({ role: "tool", tool_call_id: "call_0_0" });
  expect(textOf(second?.messages.at(-1))).toMatch(/^\[\[untrusted [0-9a-f]{16}: output of exec\]\]\nthe word is heron\n\n\[\[\/untrusted/);
  const { runId } = accepted;
  expect(world.events.every((event) => event.runId === runId)).toBe(true);
  expect(world.events.map(({ seq }) => seq)).toEqual(world.events.map((_, at) => at + 1));
  expect(world.events.filter(({ kind }) => kind !== "text").map(({ kind }) => kind)).toEqual([
    ...["started", "text-ended", "tool-started", "tool-placed", "tool-output", "tool-ended", "ended"],
  ]);
  expect(await readFile(join(world.workspace, "note.txt"), "utf8")).toBe("the word is heron\n");
});

test("a model that makes the same call with the same result again and again is warned, and then ended", async () => {
  const world = await openAgentWorld({ mock });
  const same = { calls: [["exec", { command: "echo again" }]] } as const;
  const asked = script(mock, Array(20).fill(same));
  await world.say("go");
  await world.idle();
  expect(world.events.at(-1)).toMatchObject({
    kind: "ended",
    outcome: "error",
    steps: 5,
    error: { kind: "limit", message: expect.stringContaining("5 times") },
  });
  expect(textOf(asked[3]?.messages.at(-1))).toContain("the same call gave the same result 3 times now; at 5 the run is ended");
  expect(asked).toHaveLength(5);
});

test("a run ends after so many answers of the model, and calls that were not run have a result that says so", async () => {
  const world = await openAgentWorld({ mock, defaults: { run: { maxSteps: 3 } } });
  script(
    mock,
    Array.from({ length: 9 }, (_, at) => ({ calls: [["exec", { command: `echo ${at}` }]] as const })),
  );
  await world.say("go");
  await world.idle();
  expect(world.events.at(-1)).toMatchObject({
    kind: "ended",
    outcome: "error",
    steps: 3,
    error: { message: "the run was ended after 3 answers of the model" },
  });
  const results = (await world.lines()).filter(({ kind }) => kind === "result");
  expect(results.map(({ state }) => state)).toEqual(["done", "done", "skipped"]);
});

test("a run that takes too long is ended, and so is the command that it runs", async () => {
  const world = await openAgentWorld({ mock });
  script(mock, [{ calls: [["exec", { command: "echo $$ > pid; sleep 300" }]] }]);
  await world.say("go", { timeoutMs: toDurationMs(1_500) });
  await world.idle();
  expect(world.events.at(-1)).toMatchObject({
    kind: "ended",
    outcome: "error",
    error: { kind: "limit", message: "the run was ended after 2 s" },
  });
  await isGone(join(world.workspace, "pid"));
});

test("a message that comes between two tools steers: the call that had begun ends, the other one is skipped, and the model sees both", async () => {
  const world = await openAgentWorld({ mock });
  const calls = [
    ["exec", { command: "echo begun; until [ -e go ]; do sleep 0.02; done; echo first" }],
    ["exec", { command: "touch never" }],
  ] as const;
  const asked = script(mock, [{ calls }, "Stopped before the second."]);
  const { runId } = await world.say("do both");
  await world.told("tool-output");
  expect(await world.say("not the second one")).toMatchObject({ runId, status: "steered" });
  await writeFile(join(world.workspace, "go"), "");
  expect(await world.idle()).toEqual(["Stopped before the second."]);
  expect(asked[1]?.messages.slice(-3).map((message) => [message.role, textOf(message)])).toEqual([
    ["tool", expect.stringContaining("first")],
    ["tool", "Skipped to process an incoming message."],
    ["user", "not the second one"],
  ]);
  await expect(readFile(join(world.workspace, "never"))).rejects.toThrow("ENOENT");
});

test("a message that interrupts ends a running tool at once, and its own run begins", async () => {
  const world = await openAgentWorld({ mock });
  const asked = script(mock, [{ calls: [["exec", { command: "echo $$ > pid; echo begun; sleep 300" }]] }, "Something else, then."]);
  const first = await world.say("wait long");
  await world.told("tool-output");
  const second = await world.say("something else", { queueMode: "interrupt" });
  expect(second.status).toBe("queued");
  expect(await world.idle()).toEqual(["", "Something else, then."]);
  const ended = world.events.filter(({ kind }) => kind === "ended");
  expect(ended).toMatchObject([
    { runId: first.runId, outcome: "aborted" },
    { runId: second.runId, outcome: "final" },
  ]);
  await isGone(join(world.workspace, "pid"));
  expect(textOf(asked[1]?.messages.at(-2))).toContain("This call was ended before it was done.");
});

test("messages that follow up have runs of their own, those that are collected have one", async () => {
  const world = await openAgentWorld({ mock });
  const hold = { calls: [["exec", { command: "echo begun; until [ -e go ]; do sleep 0.02; done" }]] } as const;
  const asked = script(mock, [hold, "one", "two", "three and four"]);
  await world.say("first");
  await world.told("tool-output");
  const two = await world.say("second", { queueMode: "followup" });
  const three = await world.say("third", { queueMode: "collect" });
  const four = await world.say("fourth", { queueMode: "collect" });
  expect([two.status, three.status, four.runId]).toEqual(["queued", "queued", three.runId]);
  expect((await world.agent.history(MAIN, { limit: 50, before: null })).items.filter(({ kind }) => kind === "user")).toMatchObject([
    { text: "first", state: "answered" },
    { text: "second", state: "queued" },
    { text: "third", state: "queued" },
    { text: "fourth", state: "queued" },
  ]);
  await writeFile(join(world.workspace, "go"), "");
  expect(await world.idle()).toEqual(["one", "two", "three and four"]);
  expect(asked[3]?.messages.slice(-2).map(textOf)).toEqual(["third", "fourth"]);
});

test("the same idempotency key is one run, also after a restart of the gateway", async () => {
  const world = await openAgentWorld({ mock });
  const asked = script(mock, ["only once"]);
  const [one, other] = await Promise.all([world.say("hello", { idempotencyKey: "k1" }), world.say("hello", { idempotencyKey: "k1" })]);
  expect([one.status, other.status, other.runId]).toEqual(["started", "in_flight", one.runId]);
  await world.idle();
  const again = await openAgentWorld({ mock, stateDir: world.stateDir });
  expect(await again.say("hello", { idempotencyKey: "k1" })).toMatchObject({ status: "in_flight", runId: one.runId });
  await again.idle();
  expect(asked).toHaveLength(1);
});

test("what does not fit is made shorter and asked once more; the newest messages stay, and exact names are kept", async () => {
  const world = await openAgentWorld({ mock, defaults: { compaction: { keepRecentTokens: 1_000 } } });
  const summary = "## Goal\nTo look.\n## Decisions\nNone.\n## State\nRead it.\n## Next\nAnswer.";
  const overflow = {
    error: { message: "This model's maximum context length is 8192 tokens.", code: "context_length_exceeded" },
    status: 400,
  };
  await writeFile(join(world.workspace, "long"), "/etc/openclaw/heron.conf is the file\n".repeat(200));
  let isFull = true;
  mock.on({ predicate: (request) => isFull && JSON.stringify(request.messages).length > 9_000 && !isSummary(request as never) }, overflow);
  const asked = script(mock, [
    { calls: [["exec", { command: "cat long" }]] },
    (request) => (isSummary(request) ? summary : "?"),
    "The file is heron.conf.",
  ]);
  await world.say("read long");
  expect(await world.idle()).toEqual(["The file is heron.conf."]);
  isFull = false;
  const compaction = (await world.lines()).find(({ kind }) => kind === "compaction");
  expect(compaction?.summary).toContain("## Exact names\n- /etc/openclaw/heron.conf");
  expect(world.events.find(({ kind }) => kind === "compacted")).toBeDefined();
  expect(textOf(asked[2]?.messages[1])).toContain("Earlier parts of this conversation were replaced by this summary");
  // Everything is still on the disk.
  expect((await world.lines()).some(({ kind, text }) => kind === "result" && String(text).length > 7_000)).toBe(true);
});

const isSummary = ({ messages }: { messages: { role: string; content: unknown }[] }): boolean =>
  messages.some((message) => message.role === "system" && textOf(message).startsWith("You write the summary"));

test("near the model's limit a conversation is made shorter before it is refused; a summary without its headings changes nothing", async () => {
  const world = await openAgentWorld({
    mock,
    contextWindow: 12_000,
    defaults: { compaction: { keepRecentTokens: 1_000, reserveTokens: 1_000 } },
  });
  const bad = "I would rather not.";
  await writeFile(join(world.workspace, "long"), "heron\n".repeat(20_000));
  const asked = script(mock, [{ calls: [["exec", { command: "cat long" }]] }, bad, bad, bad, bad, "done anyway"]);
  await world.say("read long");
  expect(await world.idle()).toEqual(["done anyway"]);
  expect(asked.slice(1, 5).every((request) => isSummary(request))).toBe(true);
  expect((await world.lines()).filter(({ kind }) => kind === "compaction")).toEqual([]);
});

test("an answer that says nothing is asked for once more without tools, unless nobody waits for one", async () => {
  const world = await openAgentWorld({ mock });
  const asked = script(mock, [{ calls: [["exec", { command: "true" }]] }, "", "It worked."]);
  await world.say("go");
  expect(await world.idle()).toEqual(["It worked."]);
  expect(asked[2]?.tools ?? []).toEqual([]);
});

test("a gateway that was killed in the middle says so: the call has a result, what waited is not run, and nothing runs twice", async () => {
  const world = await openAgentWorld({ mock });
  script(mock, [{ calls: [["exec", { command: "echo x >>ran; echo begun; sleep 300" }]] }, "after the restart"]);
  await world.say("first");
  await world.told("tool-output");
  await world.say("second", { queueMode: "followup" });
  // As a killed process leaves them: what was written is all there is.
  const copy = await createFolder();
  await cp(world.stateDir, copy, { recursive: true });
  await world.agent.abort(MAIN, null);
  const again = await openAgentWorld({ mock, stateDir: copy });
  const { items } = await again.agent.history(MAIN, { limit: 50, before: null });
  expect(items).toMatchObject([
    { kind: "user", text: "first", state: "answered" },
    { kind: "tool", tool: "exec", state: "interrupted" },
    { kind: "user", text: "second", state: "interrupted" },
    { kind: "ended", outcome: "interrupted" },
  ]);
  await again.say("third");
  expect(await again.idle()).toEqual(["after the restart"]);
  expect(await readFile(join(again.workspace, "ran"), "utf8")).toBe("x\n");
});

test("what a heartbeat says beside HEARTBEAT_OK is said and shown where it is longer than ackMaxChars; other runs keep the default", async () => {
  const remark = "HEARTBEAT_OK: the disk is half full";
  const world = await openAgentWorld({ mock, defaults: { heartbeat: { every: "12h", ackMaxChars: 0 } } });
  script(mock, [remark, "HEARTBEAT_OK", remark]);
  const by = (id: string) => ({ requester: { kind: "schedule", id, isOwner: true } as const });
  await world.say("look", by("heartbeat:main"));
  expect(await world.idle()).toEqual([remark]);
  await world.say("look", by("heartbeat:main"));
  await world.idle();
  await world.say("look", by("cron:job"));
  expect(await world.idle()).toEqual([remark, "", ""]);
  const { items } = await world.agent.history(MAIN, { limit: 50, before: null });
  expect(items.flatMap((item) => (item.kind === "assistant" ? [item.text] : []))).toEqual([remark]);
});
