// The gateway's sessions and the controller over one state folder, on a model of an engine: what becomes of sandboxes and files when
// conversations end, however many, and with whichever of the two processes dying in between.
import { randomUUID } from "node:crypto";
import { readdir } from "node:fs/promises";
import { expect, onTestFinished, test } from "vitest";
import { type EpochMs, toAgentId, toSessionKey } from "../src/api/brands.ts";
import { OperationError } from "../src/api/errors.ts";
import type { Session } from "../src/api/session.ts";
import { sessionsFolder } from "../src/api/store/session-store.ts";
import { until } from "../src/controller/fixtures/docker.fixture.ts";
import { createModel, type Model } from "../src/controller/fixtures/model.fixture.ts";
import { eventsOf } from "../src/controller/fixtures/site.fixture.ts";
import { SessionGate } from "../src/controller/servers/session-gate.ts";
import { SessionRemoval } from "../src/gateway/sessions/session-removal.ts";
import { Sessions } from "../src/gateway/sessions/sessions.ts";

const AGENTS = Array.from({ length: 12 }, (_, index) => `a${index}`);

interface Both {
  model: Model;
  sessions: Sessions;
  removal: SessionRemoval;
}

async function openGateway(model: Model): Promise<Omit<Both, "model">> {
  const now = (): EpochMs => model.clock.now();
  const failed = (error: unknown): never => {
    throw error;
  };
  const sessions = await Sessions.open({ stateDir: model.site.stateDir, now, newUid: randomUUID, writeFailed: failed });
  onTestFinished(() => sessions.stop());
  const { desired, statuses } = model.controller;
  const gate = new SessionGate({
    desired,
    statusOf: (name) => statuses.get(name) ?? null,
    statuses: () => statuses.list(),
    fullness: () => null,
  });
  const seenEnds = async ({ items }: { items: { key: string; uid: string }[] }) => gate.seenEnds(items);
  return { sessions, removal: new SessionRemoval({ sessions, controller: { seenEnds }, failed }) };
}

async function openBoth(sandbox: object): Promise<Both> {
  const model = await createModel();
  const defaults = { sandbox: { mode: "all", ...sandbox } };
  await model.site.writeConfig({ agents: { defaults, list: AGENTS.map((id) => ({ id })) }, gateway: { maxSandboxes: 100 } });
  await model.start();
  return { model, ...(await openGateway(model)) };
}

/** `perAgent` live sessions of each agent, each with its sandbox, or one for all of them. */
async function begin({ model, sessions }: Both, perAgent: number, sandboxes: number): Promise<Session[]> {
  const made: Session[] = [];
  for (const id of AGENTS)
    for (let count = 0; count < perAgent; count += 1) {
      const [kind, rest] = count === 0 ? (["main", "main"] as const) : (["mcp", `mcp:${randomUUID()}`] as const);
      const session = await sessions.create({ key: toSessionKey(`agent:${id}:${rest}`), agentId: toAgentId(id), kind });
      // What was used a moment ago is not stopped at once.
      await sessions.touch(session.spec.key);
      made.push(session);
    }
  const { desired } = model.controller;
  await until("the controller knows them all", () => made.every(({ spec }) => desired.desiredOfSession(spec.key) !== null));
  await model.converge(sandboxes);
  return made;
}

const files = async ({ model }: Both): Promise<string[]> =>
  (await Promise.all(AGENTS.map(async (id) => await readdir(sessionsFolder(model.site.stateDir, toAgentId(id)))))).flat();

test.each([
  ["an agent", { scope: "agent" }, 1, 12],
  ["a session", { scope: "session" }, 4, 48],
])("when all sessions end, no removals are awaiting approval: with a sandbox for %s", async (_, sandbox, perAgent, sandboxes) => {
  const both = await openBoth(sandbox);
  const { model, sessions, removal } = both;
  const made = await begin(both, perAgent, sandboxes);
  let held = 0;
  for (const { spec } of made) {
    await sessions.delete(spec.key);
    await removal.attempt();
    held += model.controller.guard.view().items.length;
  }
  expect(sessions.list()).toEqual([]);
  await until("the controller knows that all are over", () =>
    made.every(({ spec }) => model.controller.desired.desiredOfSession(spec.key) === null),
  );
  await model.until("every sandbox is gone", async () => {
    held += model.controller.guard.view().items.length;
    await removal.attempt();
    return model.containers().length === 0;
  });
  await model.until("every file is gone", async () => {
    await removal.attempt();
    return (await files(both)).length === 0;
  });
  expect([held, eventsOf(model.controller, "RemovalHeld")]).toEqual([0, []]);
});

test("a file that says a session is over stays until the controller has seen it and its sandbox is gone, over a restart of either", async () => {
  const both = await openBoth({ scope: "agent" });
  const { model, sessions, removal } = both;
  const [first] = await begin(both, 1, 12);
  if (first === undefined) throw new Error("there is a session");
  await model.stop();
  await sessions.delete(first.spec.key);
  const away = { seenEnds: () => Promise.reject(new OperationError("ControllerUnreachable", "no controller runs")) };
  const failures: unknown[] = [];
  await new SessionRemoval({ sessions, controller: away, failed: (error) => failures.push(error) }).attempt();
  await removal.attempt();
  expect([failures, (await files(both)).length, sessions.deleted.length]).toEqual([[], 12, 1]);
  await sessions.stop();
  await model.start();
  await until("the controller knows its end", () => model.controller.desired.desiredOfSession(first.spec.key) === null);
  const next = { model, ...(await openGateway(model)) };
  expect([next.sessions.find(first.spec.key), next.sessions.list().length]).toEqual([null, 11]);
  await next.removal.attempt();
  expect((await files(both)).length, "its sandbox is still there").toBe(12);
  await model.until("the sandbox and the file are gone", async () => {
    await next.removal.attempt();
    return (await files(both)).length === 11;
  });
  expect(model.containers()).toHaveLength(11);
});

test("a session that is begun again before its file went is not removed", async () => {
  const both = await openBoth({ scope: "session" });
  const { sessions, removal } = both;
  const [first] = await begin(both, 1, 12);
  if (first === undefined) throw new Error("there is a session");
  await sessions.delete(first.spec.key);
  const [deleted] = sessions.deleted;
  const again = await sessions.create(first.spec);
  if (deleted !== undefined) await sessions.forget(deleted);
  await removal.attempt();
  expect([sessions.get(first.spec.key).metadata.uid, sessions.deleted]).toEqual([again.metadata.uid, []]);
});
