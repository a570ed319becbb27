// The stream server as a function from request to response: what of its calls is let through, and what is written down about each.
// Over its socket, with real sandboxes: test/gateway.engine.test.ts.
import { pino } from "pino";
import { expect, test } from "vitest";
import { type SandboxName, toAgentId, toEpochMs, toInstanceId, toSessionKey } from "../../api/brands.ts";
import { createSystemClock } from "../../api/clock.ts";
import { mustParse } from "../../api/config/config.fixture.ts";
import { toSlug } from "../../api/names.ts";
import type { Session } from "../../api/session.ts";
import type { EventInput } from "../records/event-log.ts";
import { DesiredState } from "../sources/desired-state.ts";
import { GatewayFeed } from "../sources/gateway-feed.ts";
import { openApprovals } from "./approvals.fixture.ts";
import { Audit } from "./audit.ts";
import { BrowserGate } from "./browser-gate.ts";
import { Followers } from "./followers.ts";
import { makeHostShellEngine } from "./host-shell.fixture.ts";
import { ProcessService } from "./processes.ts";
import { MemoryViews, NAME, NO_DECISIONS, sandboxOf, silentMeter } from "./server.fixture.ts";
import { SessionGate } from "./session-gate.ts";
import { makeStreamApp } from "./stream-app.ts";

const INSTANCE = toInstanceId("0123456789ab");
const MAIN = toAgentId("main");

async function open({ scope, mode = "all" }: { scope: "session" | "agent"; mode?: "all" | "non-main" }) {
  const desired = new DesiredState((scopeKey) => toSlug(INSTANCE, scopeKey), { stateDir: "/state", home: "/home/claw" });
  desired.setConfig(mustParse(JSON.stringify({ agents: { defaults: { sandbox: { mode, scope } } } })));
  const session: Session = {
    ...{ apiVersion: "openclaw.ai/v1", kind: "Session" },
    metadata: { name: "main", uid: "3b0f9a52-6a43-4a86-9a55-0d1c8f2d7c11", createdAt: toEpochMs(0) },
    spec: { key: toSessionKey("agent:main:main"), agentId: MAIN, kind: "main" },
  };
  desired.setSessions(new Map([[MAIN, { folder: "read", sessions: [session], unread: 0, unreadNames: [] }]]));
  desired.setRequests(new Map());
  const logged: string[] = [];
  const log = pino({ level: "info" }, { write: (line: string) => void logged.push(line) });
  const events: EventInput[] = [];
  const released: SandboxName[] = [];
  const requested: string[] = [];
  const time = { at: 0 };
  const clock = createSystemClock();
  const config = {
    view: { file: "/state/openclaw.json", ok: true, issues: [], loadedAt: 0 },
    isMissing: false,
    watch: () => () => undefined,
  };
  const feed = new GatewayFeed({ stateDir: "/state", config, desired, now: clock.now, log });
  const nothing = (): Promise<never> => Promise.reject(new Error("nothing runs in this test"));
  const access = { commands: makeHostShellEngine(["dash"]), dial: nothing, lease: nothing, look: nothing };
  const views = new MemoryViews();
  const gate = new SessionGate({ desired, statusOf: () => null, statuses: () => [...views.byName.values()], fullness: () => null });
  const app = makeStreamApp({
    ...{ views, egressLog: NO_DECISIONS, followers: new Followers(1), log, gate },
    browsers: new BrowserGate({ desired, gate, servingOf: () => null }),
    feed,
    audit: new Audit({ instance: INSTANCE, log, record: (event) => void events.push(event) }),
    processes: new ProcessService({ access, meter: silentMeter, clock, newProcessId: () => "0123456789abcdef", log }),
    release: async (name) => void released.push(name),
    promptFiles: async (folders) => [{ name: "AGENTS.md", text: folders.join(" then "), isCut: false }],
    requests: {
      recreate: async (name) => void requested.push(`recreate ${name}`),
      pin: async (name, pinned) => void requested.push(`${pinned ? "pin" : "unpin"} ${name}`),
      kill: async (name) => void requested.push(`kill ${name}`),
      approve: async (name) => void requested.push(`approve ${name}`),
    },
    approvals: await openApprovals({ instance: INSTANCE, views, clock: { now: () => toEpochMs(time.at) } }),
    clock: { now: () => toEpochMs(time.at) },
  });
  const post = async (path: string, body: object) => await app.request(path, { method: "POST", body: JSON.stringify(body) });
  const release = async (key: string) => await app.request(`/v1/sessions/${encodeURIComponent(key)}/sandbox/release`, { method: "POST" });
  return { app, release, released, events, logged, post, requested, views, time };
}

test("what the workspace says of how its agent works is read from the agent's own workspace first, and of a live session's alone", async () => {
  const { app, logged } = await open({ scope: "agent" });
  const ask = async (key: string) => await app.request(`/v1/sessions/${encodeURIComponent(key)}/prompt-files`);
  expect(await (await ask("agent:main:main")).json()).toEqual({
    items: [{ name: "AGENTS.md", text: expect.stringMatching(/^\/state\/workspace then \/state\/sandboxes\//), isCut: false }],
  });
  expect((await ask("agent:main:other")).status).toBe(404);
  expect(logged.map((line) => JSON.parse(line))).toEqual([expect.objectContaining({ msg: "stream call refused", tool: "prompt" })]);
});

test("of a session without a sandbox they are read from the agent's own workspace alone, and nothing else of it is served", async () => {
  const { app } = await open({ scope: "session", mode: "non-main" });
  const path = `/v1/sessions/${encodeURIComponent("agent:main:main")}`;
  expect(await (await app.request(`${path}/prompt-files`)).json()).toEqual({
    items: [{ name: "AGENTS.md", text: "/state/workspace", isCut: false }],
  });
  expect((await app.request(`${path}/sandbox/release`, { method: "POST" })).status).toBe(404);
  for (const key of ["agent:main:other", "agent:nobody:main", "agent:main", "x".repeat(600)])
    expect((await app.request(`/v1/sessions/${encodeURIComponent(key)}/prompt-files`)).status).toBe(404);
});

test("a sandbox that is the session's alone is released, one that others share stays; both are written down", async () => {
  for (const scope of ["session", "agent"] as const) {
    const { release, released, events, logged } = await open({ scope });
    const response = await release("agent:main:main");
    expect([response.status, released.length, events]).toEqual([200, scope === "session" ? 1 : 0, []]);
    expect(await response.json()).toEqual({ sandbox: released[0] ?? null });
    expect(logged.map((line) => JSON.parse(line))).toEqual([
      expect.objectContaining({ msg: "stream call", tool: "release", session: "agent:main:main", sandbox: released[0] ?? null }),
    ]);
  }
});

test("a release that is refused is an event and a line in the log, as every refused call is", async () => {
  const { release, released, events, logged } = await open({ scope: "session" });
  expect((await release("agent:main:nobody")).status).toBe(404);
  expect(released).toEqual([]);
  const message = 'release: there is no live sandboxed session "agent:main:nobody"';
  expect(events).toEqual([{ type: "Warning", reason: "StreamCallRefused", message, object: { kind: "Controller", name: INSTANCE } }]);
  expect(logged.map((line) => JSON.parse(line))).toEqual([expect.objectContaining({ msg: "stream call refused", code: "NotFound" })]);
});

test("a gateway requests that a sandbox is recreated or pinned, for whom it says, and no more often than a person does", async () => {
  const { post, requested, logged, views, time } = await open({ scope: "agent" });
  views.put(sandboxOf());
  const recreate = (): Promise<Response> => post(`/v1/sandboxes/${NAME}/recreate`, { by: "d".repeat(64) });
  expect(await (await recreate()).json()).toEqual({ sandbox: NAME });
  expect((await post(`/v1/sandboxes/${NAME}/pin`, { by: "owner", pinned: true })).status).toBe(200);
  expect((await post(`/v1/sandboxes/${NAME}/pin`, { pinned: false })).status).toBe(200);
  expect(requested).toEqual([`recreate ${NAME}`, `pin ${NAME}`, `unpin ${NAME}`]);
  expect(JSON.parse(logged[0] ?? "")).toMatchObject({ msg: "stream request", action: "recreate", by: "d".repeat(64) });
  const statuses: number[] = [];
  for (let count = 0; count < 40; count += 1) statuses.push((await recreate()).status);
  expect(statuses.filter((status) => status === 200)).toHaveLength(27);
  expect(statuses.filter((status) => status === 429)).toHaveLength(13);
  time.at += 2_000;
  expect((await recreate()).status).toBe(200);
  expect((await recreate()).status).toBe(429);
});

test("a gateway has no way of its own to end live work, to approve a removal, or to prune", async () => {
  const { post, requested, views } = await open({ scope: "agent" });
  views.put(sandboxOf());
  expect((await post(`/v1/sandboxes/${NAME}/recreate`, { kill: true })).status).toBe(400);
  for (const path of [`/v1/sandboxes/${NAME}/approve`, "/v1/held", "/v1/plan"]) expect((await post(path, {})).status, path).toBe(404);
  for (const path of [`/v1/sandboxes/${NAME}/kill`, `/v1/sandboxes/${NAME}/removal`, "/v1/prune"])
    expect((await post(path, { dryRun: false })).status, path).toBe(400);
  expect(requested).toEqual([]);
});
