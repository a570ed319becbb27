// What the controller keeps and finds - conditions, events, what explain and plans say - is worded for a host. Whoever asks a gateway in Compose or under
// systemd is told what works there, over every way to ask. Hints in errors are src/gateway/http/hints-here.test.ts's.
import { describe, expect, test } from "vitest";
import { toEpochMs } from "../src/api/brands.ts";
import { findPlace, type Say, toPlace } from "../src/api/place.ts";
import { MemoryViews, NAME, sandboxOf } from "../src/controller/servers/server.fixture.ts";
import { followSandboxes } from "../src/gateway/sandbox/sandbox-feed.ts";
import { StreamClient } from "../src/gateway/sandbox/stream-client.ts";
import { connectAsOwner } from "../src/gateway/ws/device.fixture.ts";
import { openSocketServer, type SocketServer } from "../src/gateway/ws/sockets.fixture.ts";
import { startViewsController } from "./controller-views.fixture.ts";

const COMPOSE = { OPENCLAW_PLACE: "compose", OPENCLAW_HOST_STATE_DIR: "/srv/claw", OPENCLAW_HOST_WORKSPACE_DIR: "/srv/files" };
const PLACES = [
  ["Compose", findPlace(COMPOSE, "openclaw")],
  ["docker-compose 1.29", findPlace({ ...COMPOSE, OPENCLAW_COMPOSE: "docker-compose" }, "openclaw")],
  ["systemd", findPlace({ OPENCLAW_PLACE: "systemd" }, "openclaw")],
] as const;

const FOLDER = "/home/node/.openclaw";
const PINNED = `pinned; to let it change: openclaw sandbox unpin ${NAME}`;
const NEXT = `not before a person runs: openclaw sandbox recreate --session agent:main, or edits ${FOLDER}/openclaw.json`;
const HELD = "removals awaiting approval: openclaw sandbox approve";
const FIX = "openclaw sandbox prune";
const INVALID = {
  severity: "error",
  file: "openclaw.json",
  path: "",
  message: `no ${FOLDER}/extra.json5`,
  fix: "openclaw config validate",
} as const;
/** No sentence of the product: a setup command printed it, and it stays. */
const PRINTED = "usage: openclaw sandbox list\n";

/** Every sentence that a controller can keep, find or plan has a hint in it. */
function tellEverything(): MemoryViews {
  const views = new MemoryViews();
  const at = toEpochMs(Date.now());
  const sandbox = sandboxOf({ ready: false, spec: { because: HELD } });
  const conditions = sandbox.status.conditions.map((condition) => ({ ...condition, message: PINNED }));
  const failure = { code: "SetupFailed", message: HELD, count: 1, lastAt: at, retryAt: at, generation: 2 } as const;
  const change = { parts: [{ field: "docker.image", to: "new:1", id: "1" }], since: at, pending: true };
  views.put({
    ...sandbox,
    status: { ...sandbox.status, conditions, change, failure, servingFailure: failure, egressFailure: failure, next: [NEXT] },
  });
  views.record({ message: PINNED });
  views.pausedSince = at;
  views.explained = {
    ...{ config: `${FOLDER}/openclaw.json`, kind: "tools", agentId: "main", sessionKey: null, sandboxed: true, because: HELD },
    ...{ wanted: { yes: false, because: HELD }, sandbox: null, values: [] },
    ignored: [{ key: "a", because: HELD }],
    mounts: [{ source: null, target: "/workspace", access: "rw", because: HELD }],
    tools: [{ tool: "exec", allowed: false, rule: "deny", source: "tools.deny", fix: FIX }],
    ...{ next: [NEXT], warnings: [INVALID], missing: [HELD] },
  };
  views.planned = {
    items: [{ name: NAME, wanted: true, because: HELD, drift: [], actions: [`create, since ${HELD}`], waits: PINNED }],
    issues: [INVALID],
  };
  views.findings = [{ check: "leftovers", level: "warn", message: HELD, fix: FIX }];
  views.unownedObjects = [{ kind: "network", name: "n", because: HELD, fate: "removable", size: null }];
  views.setupLog = { state: "failed", text: PRINTED, truncated: false };
  return views;
}

async function open(say: Say): Promise<SocketServer & { views: MemoryViews }> {
  const server = await openSocketServer({ say });
  const views = tellEverything();
  await startViewsController(server.stateDir, views);
  return { ...server, views };
}

async function callOnce({ url, ownerKey }: SocketServer, method: string, params: object): Promise<unknown> {
  return await new Promise((resolve, reject) => {
    connectAsOwner(url, ownerKey, { scopes: ["operator.admin"], onFrame: (frame) => frame.id === "r1" && resolve(frame) })
      .then(({ socket }) => socket.send(JSON.stringify({ type: "req", id: "r1", method, params })))
      .catch(reject);
  });
}

/** As only a host says it. */
const HOST_FORM = /(?<![\w./-])openclaw (?:sandbox|config|status|dashboard)\b/;

const ASKED = [
  ["/v1/sandboxes", "sandbox.list", {}],
  [`/v1/sandboxes/${NAME}`, "sandbox.get", { name: NAME }],
  ["/v1/explain?agent=main", "sandbox.explain", { agent: "main" }],
  ["/v1/plan", "plan.get", {}],
  ["/v1/events", "events.list", {}],
  ["/v1/rollouts", "rollout.status", {}],
  ["/v1/controller", "controller.status", {}],
  ["/v1/doctor", "doctor.report", {}],
] as const;

describe.each(PLACES)("a gateway in %s", (_, place) => {
  const say: Say = (text) => toPlace(text, place);

  test.each(ASKED)("answers %s and %s with hints that work there", async (path, method, params) => {
    const server = await open(say);
    const { status, body } = await server.http(path, server.ownerKey);
    expect({ status, text: JSON.stringify(body) }).toEqual({ status: 200, text: expect.not.stringMatching(HOST_FORM) });
    const frame = await callOnce(server, method, params);
    expect(frame).toMatchObject({ ok: true });
    expect(JSON.stringify(frame)).not.toMatch(HOST_FORM);
  });

  test("says each sentence as that place does, and nothing else differently", async () => {
    const server = await open(say);
    const { body } = await server.http(`/v1/sandboxes/${NAME}`, server.ownerKey);
    expect(body).toMatchObject({
      sandbox: {
        metadata: { name: NAME },
        spec: { because: say(HELD), image: "openclaw-sandbox:bookworm-slim" },
        status: { conditions: [{ message: say(PINNED) }, { message: say(PINNED) }], failure: { message: say(HELD) }, next: [say(NEXT)] },
      },
      events: [{ message: say(PINNED) }],
    });
    expect((await server.http("/v1/explain?agent=main", server.ownerKey)).body).toMatchObject({
      tools: [{ fix: say(FIX) }],
      warnings: [{ fix: say("openclaw config validate") }],
      missing: [say(HELD)],
    });
    const log = await server.http(`/v1/sandboxes/${NAME}/logs`, server.ownerKey);
    expect(log.body).toMatchObject({ text: PRINTED });
  });

  test("refuses a stranger with the way in that works there", async () => {
    const { url } = await open(say);
    expect((await connectAsOwner(url, "wrong")).answer).toMatchObject({
      error: { message: say("unauthorized: this is not the gateway's token; openclaw dashboard says where it is") },
    });
  });

  test("streams events and changes of sandboxes with hints that work there", async () => {
    const server = await open(say);
    const response = await fetch(`${server.url.replace("ws", "http")}/v1/events`, {
      headers: { authorization: `Bearer ${server.ownerKey}`, accept: "text/event-stream", "last-event-id": "0" },
    });
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    let streamed = "";
    while (!streamed.includes("unpin")) streamed += (await reader?.read())?.value ?? "";
    await reader?.cancel();
    expect(streamed).toContain(say(PINNED));
    const over = new AbortController();
    const first = Promise.withResolvers<unknown>();
    const following = followSandboxes(
      {
        controller: new StreamClient(server.stateDir, say),
        lost: () => undefined,
        // First comes the list, then what changes.
        changed: (change) =>
          change === null ? server.views.put(server.views.sandboxes()[0] ?? sandboxOf()) : first.resolve(change.sandbox),
        failed: first.reject,
      },
      over.signal,
    );
    expect(await first.promise).toMatchObject({ status: { conditions: [{ message: say(PINNED) }, { message: say(PINNED) }] } });
    over.abort();
    await following;
  });
});
