// OpenAI's own client against the gateway's endpoints in its form: answers whole and in pieces, errors as its classes, and a client that leaves.
import { randomUUID } from "node:crypto";
import OpenAI from "openai";
import { expect, test } from "vitest";
import { toEpochMs } from "../src/api/brands.ts";
import type { RunId } from "../src/gateway/agent/agent-port.ts";
import { RUN_USAGE } from "../src/gateway/chat/agent.fixture.ts";
import { TOKEN } from "../src/gateway/http/server.fixture.ts";
import { openSocketServer } from "../src/gateway/ws/sockets.fixture.ts";

const RUN_ID = "11111111-1111-4111-8111-111111111111" as RunId;
const ON = { gateway: { http: { endpoints: { chatCompletions: { enabled: true }, responses: { enabled: true } } } } };

/** @param texts what the agent says to each message; none: it says nothing, and goes on */
async function open(config: object, ...texts: readonly string[]) {
  const { agent, url } = await openSocketServer({ config });
  agent.answer = async ({ session }) => {
    const run = { runId: texts.length === 0 ? RUN_ID : (randomUUID() as RunId), session };
    setImmediate(() => (texts.length === 0 ? agent.tell(run, { kind: "text", delta: "wait" }) : agent.say(run, ...texts)));
    return { runId: run.runId, acceptedAt: toEpochMs(1), status: "started", reply: null };
  };
  const client = new OpenAI({ baseURL: `${url.replace("ws:", "http:")}/v1`, apiKey: TOKEN, maxRetries: 0 });
  return { agent, client, url };
}

const messages = [{ role: "user" as const, content: "Which animal?" }];

test("a chat completion, whole and in pieces", async () => {
  const { client } = await open(ON, "a ", "cat");
  const whole = await client.chat.completions.create({ model: "openclaw", messages });
  expect([whole.choices[0]?.message.content, whole.choices[0]?.finish_reason, whole.usage?.total_tokens]).toEqual(["a cat", "stop", 15]);
  const pieces: string[] = [];
  let usage: number | undefined;
  const stream = await client.chat.completions.create({
    model: "openclaw/work",
    messages,
    stream: true,
    stream_options: { include_usage: true },
  });
  for await (const chunk of stream) {
    pieces.push(chunk.choices[0]?.delta.content ?? "");
    usage ??= chunk.usage?.total_tokens;
  }
  expect([pieces.join(""), usage]).toEqual(["a cat", 15]);
});

test("agents are listed as models, under the names that requests may use, and the list is as large as the config says", async () => {
  const { client } = await open({ ...ON, agents: { list: [{ id: "main" }, { id: "work" }] } }, "a cat");
  const ids: string[] = [];
  for await (const { id, object } of client.models.list()) ids.push(`${object} ${id}`);
  expect(ids).toEqual(["model openclaw", "model openclaw/main", "model openclaw/work"]);
  for (const id of ids) await client.chat.completions.create({ model: id.replace("model ", ""), messages });
});

test("a response, whole and in pieces, as the client puts it together", async () => {
  const { client } = await open(ON, "a ", "cat");
  const whole = await client.responses.create({ model: "openclaw", input: "Which animal?" });
  expect([whole.output_text, whole.status, whole.usage?.output_tokens]).toEqual(["a cat", "completed", 3]);
  const stream = client.responses.stream({
    model: "openclaw",
    input: [{ role: "user", content: "Which animal?" }],
    instructions: "Be brief.",
  });
  const deltas: string[] = [];
  stream.on("response.output_text.delta", ({ delta }) => void deltas.push(delta));
  expect((await stream.finalResponse()).output_text).toBe("a cat");
  expect(deltas.join("")).toBe("a cat");
});

test("what is refused is an error of the client's own kind, with a sentence", async () => {
  const { client, url } = await open(ON, "x");
  await expect(client.chat.completions.create({ model: "gpt-9", messages })).rejects.toThrow(OpenAI.NotFoundError);
  await expect(client.chat.completions.create({ model: "openclaw", messages, n: 2 })).rejects.toThrow(/an agent gives one answer/);
  const stranger = new OpenAI({ baseURL: `${url.replace("ws:", "http:")}/v1`, apiKey: "x".repeat(32), maxRetries: 0 });
  await expect(stranger.chat.completions.create({ model: "openclaw", messages })).rejects.toThrow(OpenAI.AuthenticationError);
  const off = await open({}, "x");
  await expect(off.client.responses.create({ model: "openclaw", input: "x" })).rejects.toThrow(/gateway.http.endpoints.responses.enabled/);
});

test("a run that fails after its first words ends the stream with what it failed of", async () => {
  const { agent, client } = await open(ON);
  agent.answer = async ({ session }) => {
    setImmediate(() => {
      agent.tell({ runId: RUN_ID, session }, { kind: "text", delta: "half" });
      const error = { kind: "model" as const, message: "the provider is away", fix: null };
      agent.tell({ runId: RUN_ID, session }, { kind: "ended", outcome: "error", text: "half", error, usage: RUN_USAGE, steps: 1 });
    });
    return { runId: RUN_ID, acceptedAt: toEpochMs(1), status: "started", reply: null };
  };
  const stream = await client.chat.completions.create({ model: "openclaw", messages, stream: true });
  const read = async (): Promise<void> => {
    for await (const chunk of stream) expect(["", "half"]).toContain(chunk.choices[0]?.delta.content ?? "");
  };
  await expect(read()).rejects.toThrow(/the provider is away/);
});

test("a client that leaves stops its run", async () => {
  const { agent, client } = await open(ON);
  const stream = await client.chat.completions.create({ model: "openclaw", messages, stream: true });
  for await (const chunk of stream) if (chunk.choices[0]?.delta.content === "wait") break;
  stream.controller.abort();
  await expect.poll(() => agent.aborted).toMatchObject([{ runId: RUN_ID }]);
});
