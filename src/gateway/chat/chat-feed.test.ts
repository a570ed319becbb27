// The feed of runs over an agent that is data: what is put together, in which order it comes, and what a reader who comes in the middle gets.
import { expect, it, vi } from "vitest";
import { toEpochMs, toSessionKey } from "../../api/brands.ts";
import type { RunId } from "../agent/agent-port.ts";
import { ScriptedAgent } from "./agent.fixture.ts";
import type { WireEvent } from "./chat-events.ts";
import { ChatFeed } from "./chat-feed.ts";

const RUN = { runId: "run-1" as RunId, session: toSessionKey("agent:main:main") };

function openFeed() {
  const agent = new ScriptedAgent();
  const clock = { ms: 1_000 };
  const feed = new ChatFeed(agent, () => clock.ms);
  const heard: WireEvent[] = [];
  feed.follow((event) => heard.push(event));
  const texts = (): unknown[] =>
    heard.flatMap(({ event, payload }) => (event === "chat" && payload.state === "delta" ? [payload.deltaText] : []));
  return { agent, clock, feed, heard, texts };
}

it("sends the first word of a run at once, and those that follow closely together", () => {
  vi.useFakeTimers();
  try {
    const { agent, texts } = openFeed();
    agent.tell(RUN, { kind: "text", delta: "The " });
    expect(texts()).toEqual(["The "]);
    for (const delta of ["quick ", "brown ", "fox"]) agent.tell(RUN, { kind: "text", delta });
    expect(texts()).toEqual(["The "]);
    vi.runAllTimers();
    expect(texts()).toEqual(["The ", "quick brown fox"]);
  } finally {
    vi.useRealTimers();
  }
});

it("tells what was said before a tool call before the call, and numbers rise", () => {
  const { agent, heard } = openFeed();
  for (const delta of ["I ", "look"]) agent.tell(RUN, { kind: "text", delta });
  agent.tell(RUN, { kind: "tool-started", callId: "c1", tool: "read", input: { path: "a" } });
  agent.tell(RUN, { kind: "tool-output", callId: "c1", stream: "stdout", text: "1" });
  agent.tell(RUN, { kind: "tool-output", callId: "c1", stream: "stderr", text: "2" });
  agent.tell(RUN, { kind: "tool-ended", callId: "c1", isError: false, text: "12", details: {}, skipped: false });
  expect(heard.map(({ event, payload }) => [event, "state" in payload ? payload.deltaText : payload.data.phase])).toEqual([
    ["chat", "I "],
    ["chat", "look"],
    ["agent", "start"],
    ["agent", "update"],
    ["agent", "update"],
    ["agent", "result"],
  ]);
  const seqs = heard.map(({ payload }) => payload.seq);
  expect(seqs).toEqual(seqs.toSorted((one, other) => one - other));
});

it("tells nobody twice what was in the text of a run when he came", () => {
  const { agent, feed, texts } = openFeed();
  for (const delta of ["a", "b", "c"]) agent.tell(RUN, { kind: "text", delta });
  agent.running = { runId: RUN.runId, startedAt: toEpochMs(1), seq: 3, text: "abc", verbose: null, tools: [] };
  expect(feed.current(RUN.session)?.text).toBe("abc");
  const before = texts().length;
  agent.tell(RUN, { kind: "text-ended", text: "abc" });
  expect(texts().slice(before)).toEqual([]);
});

it("takes back what was said in an attempt that failed", () => {
  const { agent, heard } = openFeed();
  agent.tell(RUN, { kind: "text", delta: "half of" });
  agent.tell(RUN, { kind: "restarted" });
  expect(heard.at(-1)?.payload).toMatchObject({ state: "delta", replace: true, message: { content: [{ text: "" }] } });
});

it("keeps the end of a run for clients that come back, and no deltas", () => {
  const { agent, heard } = openFeed();
  agent.say(RUN, "one", "two");
  expect(heard.map(({ event, isKept, payload }) => [event, "state" in payload ? payload.state : payload.stream, isKept])).toEqual([
    ["agent", "lifecycle", true],
    ["chat", "delta", false],
    ["chat", "delta", false],
    ["chat", "final", true],
  ]);
});
