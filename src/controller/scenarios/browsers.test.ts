// A session's browser beside its sandbox, over the model of an engine: each goes its own way, and a call that fails at any moment, or a controller that
// ends there, leaves neither two of one nor anything behind. With a real Chromium: test/browsers.engine.test.ts.
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { SandboxName } from "../../api/brands.ts";
import { findCondition } from "../../api/condition.ts";
import { type ErrorCode, OperationError } from "../../api/errors.ts";
import { LABEL } from "../../api/labels.ts";
import { BROWSER_IMAGE } from "../decide/browser.ts";
import type { FakeContainer } from "../engine/fake-world.fixture.ts";
import { until } from "../fixtures/docker.fixture.ts";
import { createModel, type Model } from "../fixtures/model.fixture.ts";
import { eventsOf, type SessionSpecInput } from "../fixtures/site.fixture.ts";

const KEY = "agent:main:web";
const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const ALLOWED = { sandbox: { tools: { allow: ["exec", "browser"], deny: [] } } };

const configOf = ({
  browser = {},
  sandbox = {},
  tools = ALLOWED,
}: {
  browser?: object;
  sandbox?: object;
  tools?: object;
} = {}): object => ({
  agents: {
    defaults: {
      sandbox: {
        mode: "all",
        scope: "session",
        rollout: { hotWindow: "0s", canary: 0 },
        ...sandbox,
        browser: { enabled: true, ...browser },
      },
    },
  },
  tools,
});

/** Names of the two containers of one session. */
interface Pair {
  model: Model;
  tools: SandboxName;
  browser: SandboxName;
}

/** A new container of a browser is asked whether DevTools answers. */
const isReadyCommand = (argv: readonly string[]): boolean => argv.some((word) => word.includes("/json/version"));

async function createPair(): Promise<Pair> {
  const model = await createModel();
  model.world.tag(BROWSER_IMAGE, `sha256:${"b".repeat(64)}`, { user: "1000:1000" });
  model.world.onExec(isReadyCommand, async () => 0);
  return { model, tools: model.site.nameOf(KEY), browser: model.site.nameOf(KEY, "openclaw-sbx-browser-") };
}

/** As the gateway writes it. Files are heard of in real time: the clock of the model stands still until then. */
async function put({ model }: Pair, spec: SessionSpecInput): Promise<void> {
  const createdAt = model.clock.now();
  await model.site.putSession("main", "web", { createdAt, ...spec });
  const isHeard = (): boolean => {
    const known = model.controller.desired.sessions.get("main" as never)?.sessions.find((one) => one.spec.key === KEY);
    return (
      known?.metadata.createdAt === createdAt &&
      known.spec.browserUsedAt === spec.browserUsedAt &&
      known.spec.endedAt === spec.endedAt &&
      known.spec.lastActivityAt === spec.lastActivityAt
    );
  };
  await until("the session's file is read", isHeard);
  await model.settle();
}

const ask = async (pair: Pair): Promise<void> => await put(pair, { browserUsedAt: pair.model.clock.now() });

async function startPair(config: object): Promise<Pair> {
  const pair = await createPair();
  await pair.model.site.writeConfig(config);
  await pair.model.site.putSession("main", "web", { createdAt: pair.model.clock.now() });
  await pair.model.start();
  await pair.model.converge(1);
  return pair;
}

interface Watch {
  /** What was ever seen and must never be. */
  faults: Set<string>;
  /** From now on the tools have the container that they have now. null: not yet. */
  toolsId: string | null;
}

/** Looks at the engine's containers after every single change of them. */
function watchOver({ model, tools, browser }: Pair): Watch {
  const watch: Watch = { faults: new Set(), toolsId: null };
  const look = (): void => {
    const all = model.containers();
    for (const name of [tools, browser]) {
      const own = all.filter(({ labels }) => labels[LABEL.name] === name);
      if (own.filter((one) => one.name === name && one.state === "running").length > 1) watch.faults.add(`two serve as ${name}`);
      if (own.length > 2) watch.faults.add(`${own.length} containers of ${name} at the same time`);
    }
    if (watch.toolsId !== null && !all.some(({ id, state }) => id === watch.toolsId && state === "running"))
      watch.faults.add("something happened to the tools' container");
  };
  model.world.watchers.add({ instance: model.site.instance, hint: look, connected: () => undefined });
  return watch;
}

const variable = ({ created }: FakeContainer, name: string): string | undefined => created.env[`OPENCLAW_BROWSER_${name}`];

/** First use, an edit that is the browser's alone, a crash, its end while the session goes on, another use, the end of the session. */
async function live(pair: Pair, watch: Watch): Promise<void> {
  const { model, tools, browser } = pair;
  await ask(pair);
  await model.converge(2);
  watch.toolsId = model.mustServe(tools).id;
  await model.edit(configOf({ browser: { headless: true } }));
  await model.until("the browser is without a display", () => {
    const serving = model.serving(browser);
    return serving !== null && variable(serving, "HEADLESS") === "1";
  });
  await model.converge(2);
  const { id } = model.mustServe(browser);
  model.world.die(id, 139);
  await model.until("another browser serves", () => (model.serving(browser)?.id ?? id) !== id);
  await model.converge(2);
  await put(pair, {});
  await model.until("the browser is gone", () => model.containers().length === 1);
  await ask(pair);
  await model.converge(2);
  watch.toolsId = null;
  await put(pair, { browserUsedAt: model.clock.now(), endedAt: model.clock.now() });
  await model.until("both are gone", () => model.containers().length === 0);
}

const FAULTS: readonly { what: string; code: ErrorCode; when: "before" | "after" }[] = [
  { what: "fails", code: "EngineFailed", when: "before" },
  { what: "has its effect and breaks off", code: "EngineUnreachable", when: "after" },
];
/** More calls than a life has. */
const CALLS_MAX = 250;
/** A life takes half a second: every call in the long run, every seventh otherwise, from another one each time. */
const STEP = process.env.OPENCLAW_TEST_LONG === "1" ? 1 : 7;

/** Lives with trouble at each call in turn, until a life has no such call. */
async function liveWithTrouble(first: number, befall: (pair: Pair, nth: number, watch: Watch) => Promise<void>): Promise<void> {
  for (let nth = first; nth <= CALLS_MAX; nth += STEP) {
    const pair = await createPair();
    const { model } = pair;
    const watch = watchOver(pair);
    try {
      await model.site.writeConfig(configOf());
      await model.site.putSession("main", "web", { createdAt: model.clock.now() });
      await befall(pair, nth, watch);
      const isThrough = model.world.calls.length < nth;
      model.world.clearFaults();
      await model.until("the ledger is empty", async () => (await model.ledger()).length === 0);
      expect([...watch.faults]).toEqual([]);
      await model.site.cleanUp();
      if (isThrough) return;
    } catch (error) {
      throw new Error(`at call ${nth}, ${model.world.calls[nth - 1]}`, { cause: error });
    }
  }
  throw new Error(`a life has more than ${CALLS_MAX} calls`);
}

/** The call has its effect, and the controller that made it ends without an answer; another one is started. */
function stopAt(model: Model, nth: number): void {
  model.pace = { lookEachMs: 500, passMsMax: 20 };
  model.world.hangCall("any", nth, "after");
  const settle = model.settle.bind(model);
  let isDone = false;
  model.settle = async () => {
    await settle();
    if (isDone || model.world.calls.length < nth) return;
    isDone = true;
    await model.stop();
    model.world.clearFaults();
    await model.start();
  };
}

describe("a session's sandbox and its browser", () => {
  it.each(FAULTS)(
    "are one each, and neither is left, when the engine $what at any call; the sandbox never notices what the browser goes through",
    async ({ code, when }) => {
      await liveWithTrouble(when === "before" ? 1 : 4, async (pair, nth, watch) => {
        pair.model.world.failCall("any", nth, new OperationError(code, `call ${nth} fails`), when);
        await pair.model.start();
        await pair.model.converge(1);
        await live(pair, watch);
      });
    },
    120_000,
  );

  it("are one each, and neither is left, when the controller is stopped at any call and another one goes on", async () => {
    await liveWithTrouble(2, async (pair, nth, watch) => {
      const { model } = pair;
      stopAt(model, nth);
      await model.start();
      await model.converge(1);
      await live(pair, watch);
    });
  }, 120_000);

  it("have an entry each in the ledger, of its own kind, and a status of its own", async () => {
    const pair = await startPair(configOf());
    const { model, tools, browser } = pair;
    await ask(pair);
    await model.converge(2);
    const folder = join(model.site.stateDir, "controller", "ledger");
    const texts = await Promise.all((await model.ledger()).map((file) => readFile(join(folder, file), "utf8")));
    const entries = texts.map((text) => z.object({ name: z.string(), kind: z.string(), containerId: z.string() }).parse(JSON.parse(text)));
    const byName = (one: { name: string }, other: { name: string }): number => (one.name < other.name ? -1 : 1);
    expect(entries.toSorted(byName)).toEqual(
      [
        { name: tools, kind: "tools", containerId: model.mustServe(tools).id },
        { name: browser, kind: "browser", containerId: model.mustServe(browser).id },
      ].toSorted(byName),
    );
    expect(model.controller.statuses.list().map(({ spec }) => [spec.kind, spec.scopeKey])).toEqual(
      expect.arrayContaining([
        ["tools", KEY],
        ["browser", KEY],
      ]),
    );
  });
});

describe("a browser", () => {
  const upToDate = ({ model, browser }: Pair): string | undefined =>
    findCondition(model.controller.statuses.get(browser)?.status.conditions ?? [], "UpToDate")?.reason;

  it("has another image at the very end of its own hot window, whatever its session does in the sandbox meanwhile", async () => {
    const sandbox = { rollout: { hotWindow: "5m", canary: 0 } };
    const pair = await startPair(configOf({ sandbox }));
    const { model, browser, tools } = pair;
    model.world.tag("browser:2", `sha256:${"c".repeat(64)}`, { user: "1000:1000" });
    await ask(pair);
    await model.converge(2);
    const usedAt = model.clock.now();
    await put(pair, { browserUsedAt: usedAt });
    const [before, beside] = [model.mustServe(browser), model.mustServe(tools)];
    await model.edit(configOf({ sandbox, browser: { image: "browser:2" } }));
    expect(upToDate(pair)).toBe("DeferredInUse");
    const [told] = eventsOf(model.controller, "DeferredInUse");
    expect(told?.message).toMatch(/; to apply it now: openclaw sandbox recreate --session agent:main:web --browser$/);
    await model.advance(4 * MINUTE_MS, 10 * SECOND_MS);
    await put(pair, { browserUsedAt: usedAt, lastActivityAt: model.clock.now() });
    await model.advance(usedAt + 5 * MINUTE_MS - model.clock.now() - SECOND_MS, 10 * SECOND_MS);
    expect(model.mustServe(browser).id).toBe(before.id);
    await model.converge(2, 5 * SECOND_MS);
    expect(model.mustServe(browser).id).not.toBe(before.id);
    expect(model.mustServe(browser).created.image).toBe("browser:2");
    expect(model.mustServe(tools).id).toBe(beside.id);
  });

  it("goes when nobody has used it for prune.idleHours, its sandbox stays, and the next use makes another one", async () => {
    const pair = await startPair(configOf({ sandbox: { prune: { idleHours: 1 } } }));
    const { model, browser, tools } = pair;
    await ask(pair);
    await model.converge(2);
    const usedAt = model.clock.now();
    await put(pair, { browserUsedAt: usedAt });
    await model.advance(50 * MINUTE_MS, MINUTE_MS);
    await put(pair, { browserUsedAt: usedAt, lastActivityAt: model.clock.now() });
    await model.advance(usedAt + HOUR_MS - model.clock.now() - SECOND_MS, 30 * SECOND_MS);
    expect(model.serving(browser)).not.toBeNull();
    await model.advance(3 * SECOND_MS);
    await model.until("it is gone", () => model.containers().length === 1, 10 * SECOND_MS);
    expect(model.mustServe(tools).name).toBe(tools);
    await put(pair, { browserUsedAt: model.clock.now(), lastActivityAt: model.clock.now() });
    await model.converge(2);
    expect(model.mustServe(browser).name).toBe(browser);
  });

  it("goes at once when the config or the policy takes it away, and the sandbox stays as it is", async () => {
    for (const taken of [configOf({ browser: { enabled: false } }), configOf({ tools: {} })]) {
      const pair = await startPair(configOf());
      const { model, tools } = pair;
      await ask(pair);
      await model.converge(2);
      const beside = model.mustServe(tools);
      await model.edit(taken);
      await model.until("it is gone", () => model.containers().length === 1, 30 * SECOND_MS);
      expect(model.mustServe(tools).id).toBe(beside.id);
      await model.site.cleanUp();
    }
  });

  it("that does not answer within browser.autoStartTimeoutMs gets no name, and is tried again after a back-off", async () => {
    const pair = await startPair(configOf({ browser: { autoStartTimeoutMs: 5_000 } }));
    const { model, browser } = pair;
    model.world.onExec(isReadyCommand, () => new Promise<number>(() => undefined));
    await ask(pair);
    await model.until(
      "it is told",
      () => findCondition(model.controller.statuses.get(browser)?.status.conditions ?? [], "Ready")?.reason === "SetupFailed",
      30 * SECOND_MS,
    );
    expect(model.containers().filter(({ name }) => name === browser)).toEqual([]);
    expect(model.controller.statuses.get(browser)?.status.failure).toMatchObject({ code: "SetupFailed", count: 1 });
    await model.until("it is tried again", () => (model.controller.statuses.get(browser)?.status.failure?.count ?? 0) > 1, MINUTE_MS);
  });

  it("that nothing knows any more goes with the sweep, although its status is lost", async () => {
    const pair = await startPair(configOf());
    const { model, browser } = pair;
    await ask(pair);
    await model.converge(2);
    await model.stop();
    await model.site.putSession("main", "web", { createdAt: model.clock.now(), endedAt: model.clock.now() });
    await rm(join(model.site.stateDir, "controller", "status"), { recursive: true, force: true });
    await model.start();
    await model.until("nothing of it is left", () => model.containers().length === 0, 10 * MINUTE_MS);
    await model.until("the ledger is empty", async () => (await model.ledger()).length === 0);
    expect(model.controller.statuses.get(browser) ?? null).toBeNull();
  });
});
