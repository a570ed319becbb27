// How long a call waits for its sandbox, by what the controller says of it.
import { expect, test } from "vitest";
import { toAgentId, toEpochMs, toSandboxName, toScopeKey, toSessionKey } from "../../api/brands.ts";
import type { Sandbox } from "../../api/sandbox.ts";
import type { SessionSandbox } from "../../api/wire.ts";
import { KnownReady } from "./known-ready.ts";
import { SandboxStream } from "./sandbox-stream.ts";
import { StreamClient } from "./stream-client.ts";

const KEY = toSessionKey("agent:main:main");

const viewOf = (reason: string, edit: Partial<SessionSandbox> = {}): SessionSandbox => ({
  sessionKey: KEY,
  sandbox: toSandboxName("openclaw-sbx-agent-main-0f3c2a91"),
  ready: false,
  reason,
  message: `it is ${reason}`,
  blocked: false,
  ...edit,
});

/** The controller says these, one after the other. */
class ScriptedClient extends StreamClient {
  readonly #views: readonly SessionSandbox[];

  constructor(views: readonly SessionSandbox[]) {
    super("/nowhere");
    this.#views = views;
  }

  override sessionSandbox = async (): Promise<SessionSandbox> => this.#views[0] ?? viewOf("NotSeen");

  override async *watchSessionSandbox(): AsyncGenerator<SessionSandbox> {
    yield* this.#views;
  }
}

const ready = viewOf("Serving", { ready: true });

const wait = (views: readonly SessionSandbox[]): Promise<string | null> =>
  new SandboxStream(new ScriptedClient(views)).ensureReady(KEY, () => undefined, new AbortController().signal);

test("a sandbox that is made, or whose engine is away for a moment, is waited for", async () => {
  expect(await wait([viewOf("Progressing"), ready])).toBe(ready.sandbox);
  const away = viewOf("EngineUnreachable", { blocked: true });
  expect(await wait([away, viewOf("EngineTimeout", { blocked: true }), viewOf("Progressing"), ready])).toBe(ready.sandbox);
});

test("what only a person can mend is told at once", async () => {
  await expect(wait([viewOf("ImageMissing", { blocked: true }), ready])).rejects.toMatchObject({ code: "ImageMissing" });
  await expect(wait([viewOf("SetupFailed", { blocked: true }), ready])).rejects.toMatchObject({ code: "NotReady" });
});

/** What counts here of a sandbox that is told. */
function sandboxOf(isReady: boolean): Sandbox {
  const at = toEpochMs(0);
  const condition = { type: "Ready", status: isReady ? "True" : "False", reason: "Serving", message: "" } as const;
  const conditions = [{ ...condition, observedGeneration: 1, lastTransitionTime: at }];
  const status = { observedGeneration: 1, conditions, container: null, drift: [], deferredUntil: null, deferredSince: null };
  const spec = { kind: "tools", scopeKey: toScopeKey("agent:main"), agentId: toAgentId("main"), scope: "agent" } as const;
  return {
    apiVersion: "openclaw.ai/v1",
    kind: "Sandbox",
    metadata: { name: toSandboxName("openclaw-sbx-agent-main-0f3c2a91"), generation: 1, createdAt: at },
    spec: { ...spec, hash: null, live: null, image: "", wanted: true, because: "" },
    status: { ...status, change: null, lastUsedAt: null, failure: null, servingFailure: null, next: [] },
  };
}

/** Says that the sandbox serves, as often as it is asked. */
function openKnown() {
  const asked: string[] = [];
  const session = { uid: "first" };
  const known = new KnownReady(() => session.uid);
  const client = new ScriptedClient([ready]);
  client.sessionSandbox = async () => {
    asked.push(session.uid);
    return ready;
  };
  const stream = new SandboxStream(client, known);
  const ensure = (): Promise<string | null> => stream.ensureReady(KEY, () => undefined, new AbortController().signal);
  return { asked, session, known, ensure };
}

test("a sandbox that serves is asked about once, until something of it changes", async () => {
  const { asked, known, ensure } = openKnown();
  known.changed(null);
  expect([await ensure(), await ensure(), await ensure()]).toEqual([ready.sandbox, ready.sandbox, ready.sandbox]);
  expect(asked.length).toBe(1);
  const name = ready.sandbox ?? "";
  for (const change of [{ name, sandbox: null }, { name, sandbox: sandboxOf(false) }, null]) {
    const before = asked.length;
    known.changed(change);
    await ensure();
    await ensure();
    expect(asked.length, JSON.stringify(change)).toBe(before + 1);
  }
  known.changed({ name, sandbox: sandboxOf(true) });
  known.changed({ name: "another", sandbox: null });
  const before = asked.length;
  await ensure();
  expect(asked.length).toBe(before);
});

test("where changes are not told, and for another session under the same key, the controller is asked", async () => {
  const { asked, session, known, ensure } = openKnown();
  await ensure();
  await ensure();
  expect(asked.length).toBe(2);
  known.changed(null);
  await ensure();
  session.uid = "second";
  await ensure();
  expect(asked.slice(2)).toEqual(["first", "second"]);
  known.forgetAll();
  await ensure();
  await ensure();
  expect(asked.length).toBe(6);
});
