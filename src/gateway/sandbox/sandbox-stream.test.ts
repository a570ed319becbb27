// How long a call waits for its sandbox, by what the controller says of it.
import { expect, test } from "vitest";
import { toSandboxName, toSessionKey } from "../../api/brands.ts";
import type { SessionSandbox } from "../../api/wire.ts";
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
