// The admin server as a function from request to response. Over its socket, and as the command line uses it: test/cli.test.ts.
import { pino } from "pino";
import { expect, test } from "vitest";
import { toSandboxName } from "../../api/brands.ts";
import { ERROR_CODES, type ErrorCode, OperationError } from "../../api/errors.ts";
import { makeAdminApp } from "./admin-app.ts";
import { Followers } from "./followers.ts";
import { MemoryViews, NAME, sandboxOf } from "./server.fixture.ts";

function open() {
  const views = new MemoryViews();
  views.put(sandboxOf());
  const followers = new Followers(100);
  const logged: string[] = [];
  const log = pino({ level: "error" }, { write: (line: string) => void logged.push(line) });
  return { views, followers, logged, app: makeAdminApp({ views, followers, log }) };
}

test.each<[string, string, string | undefined, ErrorCode]>([
  ["GET", "/v1/nothing", undefined, "NotFound"],
  ["GET", "/v1/sandboxes/none", undefined, "NotFound"],
  ["GET", "/v1/sandboxes/..%2f..%2fetc%2fpasswd", undefined, "NotFound"],
  ["GET", "/v1/sandboxes/__proto__", undefined, "NotFound"],
  ["GET", "/v1/sandboxes?kind=everything", undefined, "InvalidArgument"],
  ["GET", `/v1/sandboxes/${NAME}/logs?tail=-1`, undefined, "InvalidArgument"],
  ["GET", `/v1/sandboxes/${NAME}/logs?tail=1e9`, undefined, "InvalidArgument"],
  ["GET", `/v1/sandboxes/${NAME}/logs?tail=99999999`, undefined, "InvalidArgument"],
  ["GET", "/v1/events?after=x", undefined, "InvalidArgument"],
  ["GET", "/v1/explain", undefined, "InvalidArgument"],
  ["GET", `/v1/explain?session=${"x".repeat(600)}`, undefined, "InvalidArgument"],
  ["GET", "/v1/explain?agent=nobody", undefined, "NotFound"],
  ["POST", "/v1/prune", "{", "InvalidArgument"],
  ["POST", "/v1/prune", "{}", "InvalidArgument"],
  ["POST", "/v1/prune", '{"dryRun":true,"force":true}', "InvalidArgument"],
  ["POST", "/v1/plan", '{"config":{"main":"a","files":[["a","text"]]}}', "InvalidArgument"],
  ["POST", "/v1/plan", `{"config":"${"x".repeat(5_000_000)}"}`, "PayloadTooLarge"],
  ["DELETE", `/v1/sandboxes/${NAME}`, undefined, "NotFound"],
])("%s %s is refused as a problem", async (method, path, body, code) => {
  const { app, logged } = open();
  const response = await app.request(path, { method, ...(body === undefined ? {} : { body }) });
  const { status } = ERROR_CODES[code];
  expect(response.status).toBe(status);
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  expect(await response.json()).toMatchObject({ code, status, retryable: false });
  expect(logged).toEqual([]);
});

test("an operating error keeps its code and what to do, a bug is logged and shows nothing", async () => {
  const { app, views, logged } = open();
  views.fault = new OperationError("NotReady", "sessions are not loaded yet", { fix: "wait" });
  const expected = await app.request("/v1/status");
  expect(await expected.json()).toMatchObject({ code: "NotReady", detail: "sessions are not loaded yet", fix: "wait", retryable: true });
  expect(expected.status).toBe(503);
  views.fault = new Error("password=hunter2");
  const bug = await app.request("/v1/status");
  expect(bug.status).toBe(500);
  expect(await bug.text()).not.toContain("hunter2");
  expect(logged).toHaveLength(1);
});

/** Reads a stream of events piece by piece. */
function reader(response: Response): { next(): Promise<string>; close(): Promise<void> } {
  const stream = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  return {
    next: async () => (await stream?.read())?.value ?? "",
    close: async () => await stream?.cancel(),
  };
}

const EVENTS = { headers: { accept: "text/event-stream" } };

test("a follower of events gets those after the last that it knows, then each new one, and leaves nothing behind", async () => {
  const { app, views } = open();
  for (const message of ["one", "two", "three"]) views.record({ message });
  const stream = reader(await app.request("/v1/events", { headers: { ...EVENTS.headers, "last-event-id": "1" } }));
  const kept = await stream.next();
  expect(kept.match(/^id: \d+$/gm)).toEqual(["id: 2", "id: 3"]);
  const later = stream.next();
  views.record({ message: "four\nlines" });
  expect(await later).toMatch(/^id: 4\nevent: event\ndata: \{.*four\\nlines.*\}\n\n$/);
  await stream.close();
  await expect.poll(() => views.watcherCount).toBe(0);
});

test("a follower that knows events of a log that was lost gets everything", async () => {
  const { app, views } = open();
  views.record({ message: "one" });
  const stream = reader(await app.request("/v1/events?after=5000", EVENTS));
  expect(await stream.next()).toContain("id: 1\n");
  await stream.close();
});

test("events of one sandbox are of that one only", async () => {
  const { app, views } = open();
  views.record({ message: "mine" });
  views.record({ message: "other", object: { kind: "Sandbox", name: "other" } });
  const response = await app.request(`/v1/events?sandbox=${NAME}`);
  expect(await response.json()).toMatchObject({ items: [{ message: "mine" }] });
});

test("of many events the newest are given that are asked for", async () => {
  const { app, views } = open();
  for (const message of ["first", "second", "third"]) views.record({ message });
  const ask = async (tail: string): Promise<unknown> => await (await app.request(`/v1/events${tail}`)).json();
  expect(await ask("?tail=2")).toMatchObject({ items: [{ message: "second" }, { message: "third" }] });
  expect(await ask("?tail=9")).toMatchObject({ items: [{}, {}, {}] });
  expect(await ask("?tail=0")).toEqual({ items: [] });
  expect(await ask("")).toMatchObject({ items: [{}, {}, {}] });
});

test("a watcher that reads slowly gets the newest of each sandbox, once", async () => {
  const { app, views } = open();
  const stream = reader(await app.request("/v1/watch"));
  expect(await stream.next()).toMatch(/^event: list\n/);
  const other = toSandboxName("other");
  for (let generation = 1; generation <= 500; generation += 1) {
    views.put(sandboxOf({ status: { observedGeneration: generation } }));
    views.put(sandboxOf({ name: other }));
  }
  views.drop(other);
  const changes = await stream.next();
  expect(changes.match(/^event: changed$/gm)).toHaveLength(2);
  expect(changes).toContain('"observedGeneration":500');
  expect(changes).toContain('{"name":"other","sandbox":null}');
  await stream.close();
  await expect.poll(() => views.watcherCount).toBe(0);
});

test("followers are bounded, and a stop ends them all", async () => {
  const { app, views, followers } = open();
  const streams = await Promise.all(Array.from({ length: 100 }, async () => reader(await app.request("/v1/watch"))));
  const refused = await app.request("/v1/watch");
  expect(await refused.json()).toMatchObject({ code: "LimitExceeded" });
  await streams[0]?.close();
  await expect.poll(() => views.watcherCount).toBe(99);
  const again = reader(await app.request("/v1/watch"));
  expect(await again.next()).toContain("event: list");
  followers.stop();
  expect(await again.next()).toBe("");
  for (const stream of streams) await stream.close();
  await expect.poll(() => views.watcherCount).toBe(0);
  expect((await app.request("/v1/watch")).status).toBe(503);
});
