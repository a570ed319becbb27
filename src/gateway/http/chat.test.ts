// The operations of a conversation over HTTP, and OpenAI's forms of it, over an agent that is data.
import { expect, it } from "vitest";
import { toSessionKey } from "../../api/brands.ts";
import type { ChatInput, RunId } from "../agent/agent-port.ts";
import { RUN_USAGE, type ScriptedAgent } from "../chat/agent.fixture.ts";
import { openServer, type Server } from "./server.fixture.ts";

const KEY = "agent:main:main";
const RUN = "11111111-1111-4111-8111-111111111111" as RunId;

/** Answers each message with these texts, once it is accepted. */
function answerWith(agent: ScriptedAgent, ...texts: readonly string[]): void {
  agent.answer = async ({ session }) => {
    setImmediate(() => agent.say({ runId: RUN, session }, ...texts));
    return { runId: RUN, acceptedAt: 1_000 as never, status: "started", reply: null };
  };
}

const ON = { gateway: { http: { endpoints: { chatCompletions: { enabled: true }, responses: { enabled: true } } } } };

interface Refusal {
  detail?: string;
  error?: { message: string; type: string };
}

const refusalOf = async (answer: Response): Promise<Refusal> => (await answer.json()) as Refusal;

const ask = (server: Server, path: string, json: object, headers: Record<string, string> = {}): Promise<Response> =>
  server.ask(path, { json, headers });

it("sends a message for whoever asks, and answers with its run", async () => {
  const server = await openServer();
  const answer = await ask(server, `/v1/chat/main/send`, { message: "hello", idempotencyKey: "k1", queueMode: "followup" });
  expect(await answer.json()).toMatchObject({ status: "started", reply: null });
  expect(server.agent.sent).toMatchObject([
    { session: KEY, text: "hello", queueMode: "followup", idempotencyKey: "k1", requester: { kind: "token", isOwner: false } },
  ]);
});

it("refuses a message without an idempotencyKey", async () => {
  const server = await openServer();
  const answer = await ask(server, `/v1/chat/main/send`, { message: "hello" });
  expect([answer.status, (await refusalOf(answer)).detail]).toEqual([400, expect.stringContaining("idempotencyKey")]);
  expect(server.agent.sent).toEqual([]);
});

it("streams a run from its acceptance to its end, also what came before the answer", async () => {
  const server = await openServer();
  const { agent } = server;
  agent.answer = async ({ session }: ChatInput) => {
    agent.tell({ runId: RUN, session }, { kind: "started", model: "aimock/small", verbose: null });
    agent.tell({ runId: "other" as RunId, session }, { kind: "text", delta: "not this one" });
    setImmediate(() =>
      agent.tell({ runId: RUN, session }, { kind: "ended", outcome: "final", text: "hi", error: null, usage: RUN_USAGE, steps: 1 }),
    );
    return { runId: RUN, acceptedAt: 1_000 as never, status: "started", reply: null };
  };
  const answer = await ask(server, `/v1/chat/main/send`, { message: "hello", idempotencyKey: "k" }, { accept: "text/event-stream" });
  const text = await answer.text();
  expect(text.match(/^event: .*$/gm)).toEqual(["event: accepted", "event: agent", "event: chat"]);
  expect(text).toContain('"state":"final"');
  expect(text).not.toContain("not this one");
});

it("ends the stream of a command at once, with its reply", async () => {
  const server = await openServer();
  server.agent.answer = async () => ({ runId: RUN, acceptedAt: 1_000 as never, status: "answered", reply: "nothing runs" });
  const answer = await ask(server, `/v1/chat/main/send`, { message: "/status", idempotencyKey: "k" }, { accept: "text/event-stream" });
  expect(await answer.text()).toContain('"reply":"nothing runs"');
});

it("shows what was said, what goes on, and what keeps a model from answering", async () => {
  const server = await openServer();
  await server.service.open({ key: "main" });
  server.agent.items = [{ id: 1, at: 5 as never, kind: "note", text: "compacted" }];
  server.agent.running = { runId: RUN, startedAt: 5 as never, seq: 7, text: "so far", verbose: null, tools: [] };
  server.agent.available = { fix: "openclaw models auth login" };
  expect(await (await server.ask("/v1/chat/main/history")).json()).toEqual({
    ...{ sessionKey: KEY, items: [{ id: 1, at: 5, kind: "note", text: "compacted" }], before: null },
    run: { runId: RUN, startedAt: 5, seq: 7, text: "so far", verbose: null, tools: [] },
    ...{ model: null, fix: "openclaw models auth login" },
  });
});

it("stops a run", async () => {
  const server = await openServer();
  await server.service.open({ key: "main" });
  expect(await (await ask(server, "/v1/chat/main/abort", { runId: RUN })).json()).toMatchObject({ runs: 1, processes: 2 });
  expect(server.agent.aborted).toEqual([{ session: KEY, runId: RUN }]);
});

it("answers chat completions, and ends the session of a request without a user", async () => {
  const server = await openServer({ config: ON });
  answerWith(server.agent, "a ", "cat");
  const answer = await ask(server, "/v1/chat/completions", {
    model: "openclaw",
    messages: [
      { role: "system", content: "Be brief." },
      { role: "user", content: "What is it?" },
      { role: "assistant", content: "An animal." },
      { role: "user", content: [{ type: "text", text: "Which one?" }] },
    ],
  });
  expect(await answer.json()).toMatchObject({
    object: "chat.completion",
    choices: [{ message: { role: "assistant", content: "a cat" }, finish_reason: "stop" }],
    usage: { prompt_tokens: 12, completion_tokens: 3, total_tokens: 15 },
  });
  const text = server.agent.sent[0]?.text ?? "";
  for (const part of ["Be brief.", "[assistant]\nAn animal.", "Which one?"]) expect(text).toContain(part);
  await expect.poll(() => server.sessions.list().filter(({ metadata }) => metadata.deletedAt === undefined).length).toBe(0);
});

it("goes on with one conversation of a user, and tells it only what is new", async () => {
  const server = await openServer({ config: ON });
  answerWith(server.agent, "yes");
  const messages = [
    { role: "user", content: "one" },
    { role: "assistant", content: "two" },
    { role: "user", content: "three" },
  ];
  for (const _ of [1, 2]) await (await ask(server, "/v1/chat/completions", { model: "openclaw/work", user: "ann", messages })).json();
  expect(server.agent.sent.map(({ text }) => text)).toEqual(["three", "three"]);
  const sessions = new Set(server.agent.sent.map(({ session }) => session));
  expect([...sessions]).toEqual([expect.stringMatching(/^agent:work:openai:user-[0-9a-f]{32}$/)]);
  expect(server.sessions.find([...sessions][0] ?? toSessionKey(""))).not.toBeNull();
});

it("streams chat completions in OpenAI's chunks, with the usage when it is asked for", async () => {
  const server = await openServer({ config: ON });
  answerWith(server.agent, "a ", "cat");
  const answer = await ask(server, "/v1/chat/completions", {
    ...{ model: "openclaw", stream: true, stream_options: { include_usage: true } },
    messages: [{ role: "user", content: "What is it?" }],
  });
  const lines = (await answer.text()).split("\n").filter((line) => line.startsWith("data: "));
  expect(lines.at(-1)).toBe("data: [DONE]");
  const chunks = lines.slice(0, -1).map((line) => JSON.parse(line.slice(6)));
  expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? "").join("")).toBe("a cat");
  expect(chunks.at(-2).choices[0].finish_reason).toBe("stop");
  expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { total_tokens: 15 } });
});

it("streams responses in OpenAI's events, numbered", async () => {
  const server = await openServer({ config: ON });
  answerWith(server.agent, "a ", "cat");
  const answer = await ask(server, "/v1/responses", { model: "openclaw", input: "What is it?", stream: true });
  const events = (await answer.text())
    .split("\n")
    .filter((line) => line.startsWith("data: "))
    .map((line) => JSON.parse(line.slice(6)));
  expect(events.map(({ sequence_number }) => sequence_number)).toEqual(events.map((_, at) => at));
  expect(events.map(({ type }) => type)).toEqual([
    ...["response.created", "response.in_progress", "response.output_item.added", "response.content_part.added"],
    ...["response.output_text.delta", "response.output_text.delta"],
    ...["response.output_text.done", "response.content_part.done", "response.output_item.done", "response.completed"],
  ]);
  expect(events.at(-1).response).toMatchObject({ status: "completed", output: [{ content: [{ text: "a cat" }] }] });
});

it.each([
  ["an unknown model", { model: "gpt-9", messages: [{ role: "user", content: "x" }] }, 404],
  ["tools of the client", { model: "openclaw", tools: [{}], messages: [{ role: "user", content: "x" }] }, 400],
  ["an image", { model: "openclaw", messages: [{ role: "user", content: [{ type: "image_url", image_url: {} }] }] }, 400],
  ["no message of the user", { model: "openclaw", messages: [{ role: "system", content: "x" }] }, 400],
  ["no body in the form", { model: 3 }, 400],
])("refuses %s in OpenAI's form", async (_, body, status) => {
  const server = await openServer({ config: ON });
  const answer = await ask(server, "/v1/chat/completions", body);
  expect([answer.status, await answer.json()]).toEqual([
    status,
    { error: { message: expect.any(String), type: "invalid_request_error", param: null, code: expect.any(String) } },
  ]);
  expect(server.agent.sent).toEqual([]);
});

it("says in OpenAI's form that an endpoint is off, and that the secret is missing", async () => {
  const server = await openServer();
  const off = await ask(server, "/v1/responses", { model: "openclaw", input: "x" });
  expect([off.status, (await refusalOf(off)).error?.message]).toEqual([
    404,
    expect.stringContaining("gateway.http.endpoints.responses.enabled"),
  ]);
  const stranger = await server.ask("/v1/chat/completions", { json: {}, secret: false });
  expect([stranger.status, (await refusalOf(stranger)).error?.type]).toEqual([401, "authentication_error"]);
});

it("says in OpenAI's form what a failed run failed of", async () => {
  const server = await openServer({ config: ON });
  const { agent } = server;
  agent.answer = async ({ session }) => {
    setImmediate(() =>
      agent.tell(
        { runId: RUN, session },
        {
          kind: "ended",
          outcome: "error",
          text: "",
          error: { kind: "limit", message: "50 steps", fix: null },
          usage: RUN_USAGE,
          steps: 50,
        },
      ),
    );
    return { runId: RUN, acceptedAt: 1_000 as never, status: "started", reply: null };
  };
  const answer = await ask(server, "/v1/responses", { model: "openclaw", input: "x" });
  expect([answer.status, await answer.json()]).toMatchObject([429, { error: { type: "rate_limit_error", message: "50 steps" } }]);
});

it("sends a client that comes back the beginning and the end of a run, and none of its words", async () => {
  const { agent, broadcast } = await openServer();
  const { cursor } = broadcast;
  const heard: string[] = [];
  broadcast.add({ hear: ({ event }) => void heard.push(event) });
  agent.say({ runId: RUN, session: toSessionKey(KEY) }, "one", "two");
  expect(heard).toEqual(["agent", "chat", "chat", "chat"]);
  expect(broadcast.since(cursor)?.map(({ event, tail }) => [event, /"state":"(\w+)"/.exec(tail.toString())?.[1]])).toEqual([
    ["agent", undefined],
    ["chat", "final"],
  ]);
});

it("answers a message of a session where a model is configured, and only keeps it with run: false, in another role, or without one", async () => {
  const server = await openServer();
  await server.service.open({ key: "main" });
  const send = async (body: object): Promise<unknown> => (await (await ask(server, "/v1/sessions/main/messages", body)).json()) as unknown;
  expect(await send({ text: "nobody answers" })).toMatchObject({ id: 1, run: null });
  server.agent.available = { model: "aimock/small" };
  expect(await send({ text: "kept", run: false })).toMatchObject({ id: 2, run: null });
  expect(await send({ text: "noted", role: "system" })).toMatchObject({ id: 3, run: null });
  server.agent.answer = async ({ session, text }) => {
    await server.sessions.append(session, { role: "user", text, from: null });
    return { runId: RUN, acceptedAt: 1_000 as never, status: "started", reply: null };
  };
  expect(await send({ text: "hello" })).toMatchObject({ id: 4, text: "hello", run: { runId: RUN, status: "started" } });
});
