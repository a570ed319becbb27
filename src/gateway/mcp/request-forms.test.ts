import { describe, expect, it } from "vitest";
import { toJsonAnswer } from "./json-answer.ts";
import { toAnswerForm, toLibraryRequest, withoutNullParams } from "./request-forms.ts";

describe("the form of an answer", () => {
  it.each([
    ["application/json, text/event-stream", "stream"],
    ["text/event-stream", "stream"],
    ["text/event-stream;q=0.5, application/json", "stream"],
    ["TEXT/Event-Stream", "stream"],
    ["*/*", "json"],
    [null, "json"],
    ["", "json"],
    ["application/json", "json"],
    ["application/json; charset=utf-8", "json"],
    ["application/*", "json"],
    ["text/html, */*;q=0.8", "json"],
    ["application/json, text/event-stream;q=0", "json"],
    ["text/html", "none"],
    ["application/json;q=0", "none"],
    ["application/json;q=0.0, */*", "none"],
  ])("to a request that accepts %j is %s", (accept, form) => {
    expect(toAnswerForm("POST", accept)).toBe(form);
  });

  it.each([
    ["text/event-stream", "stream"],
    ["*/*", "stream"],
    ["text/*", "stream"],
    [null, "stream"],
    ["application/json", "none"],
  ])("to a client that listens and accepts %j is %s", (accept, form) => {
    expect(toAnswerForm("GET", accept)).toBe(form);
  });

  it("keeps everything else of the request", () => {
    const headers = { accept: "*/*", "content-type": "application/json", "mcp-session-id": "1" };
    const request = toLibraryRequest(new Request("http://h/mcp?agent=a", { method: "POST", headers, body: "{}" }));
    expect([request.method, request.url]).toEqual(["POST", "http://h/mcp?agent=a"]);
    expect(Object.fromEntries(request.headers)).toEqual({ ...headers, accept: "application/json, text/event-stream" });
  });
});

describe("null in a message", () => {
  it("is the absence of a parameter, at any depth of the protocol's own", () => {
    const message = {
      jsonrpc: "2.0",
      id: 1,
      method: "m",
      params: { cursor: null, _meta: { progressToken: null }, capabilities: { roots: null, a: 1 } },
    };
    expect(withoutNullParams(message)).toEqual({ jsonrpc: "2.0", id: 1, method: "m", params: { _meta: {}, capabilities: { a: 1 } } });
    expect(withoutNullParams([{ method: "m", params: null }])).toEqual([{ method: "m" }]);
  });

  it("is left to the tool in its arguments, and in what is no parameter", () => {
    const message = { id: null, method: "tools/call", params: { name: "edit", arguments: { path: null, edits: [null] } } };
    expect(withoutNullParams(message)).toEqual(message);
    expect(withoutNullParams({ params: { arguments: null } })).toEqual({ params: {} });
    expect(withoutNullParams({ id: 1, result: null })).toEqual({ id: 1, result: null });
    for (const value of [null, "text", 7, [null]]) expect(withoutNullParams(value)).toEqual(value);
  });
});

describe("an answer as one document", () => {
  const stream = (text: string, pieces = 1): Response => {
    const bytes = Buffer.from(text);
    const size = Math.ceil(bytes.length / pieces);
    const parts = Array.from({ length: pieces }, (_, at) => bytes.subarray(at * size, (at + 1) * size));
    return new Response(ReadableStream.from(parts), { headers: { "content-type": "text/event-stream", "mcp-session-id": "7" } });
  };
  const events = (...data: object[]): string => data.map((message) => `event: message\ndata: ${JSON.stringify(message)}\n\n`).join("");
  const progress = { jsonrpc: "2.0", method: "notifications/progress", params: {} };
  const [one, two] = [
    { jsonrpc: "2.0", id: 1, result: { text: "größe\n" } },
    { jsonrpc: "2.0", id: 2, error: { code: 1, message: "m" } },
  ];

  it.each([1, 3, 400])("is the stream's answer without what came on the way, in %i pieces", async (pieces) => {
    const answer = toJsonAnswer(stream(`: keepalive\n\n${events(progress, one, progress)}`, pieces));
    expect([answer.status, answer.headers.get("content-type"), answer.headers.get("mcp-session-id")]).toEqual([
      200,
      "application/json",
      "7",
    ]);
    expect(await answer.json()).toEqual(one);
  });

  it("is a list for a batch, and an error when the session ends under it", async () => {
    expect(await toJsonAnswer(stream(events(one, progress, two))).json()).toEqual([one, two]);
    expect(await toJsonAnswer(stream(events(progress))).json()).toMatchObject({ error: { code: -32001 } });
  });

  it("is what it was when it was no stream", async () => {
    const accepted = new Response(null, { status: 202 });
    expect(toJsonAnswer(accepted)).toBe(accepted);
  });

  it("ends the stream when nobody waits for it any more", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const endless = new ReadableStream({ cancel: () => resolve() });
    const { body } = toJsonAnswer(new Response(endless, { headers: { "content-type": "text/event-stream" } }));
    const reader = body?.getReader();
    void reader?.read().catch(() => undefined);
    await reader?.cancel();
    await promise;
  });
});
