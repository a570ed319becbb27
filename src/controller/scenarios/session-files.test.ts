// What session files of strangers cost the controller: those of agents that the config does not have, too many, and thousands of bad ones.
import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { expect, test } from "vitest";
import { toAgentId, toEpochMs, toInstanceId, toSessionKey } from "../../api/brands.ts";
import { createFolder } from "../../api/store/folder.fixture.ts";
import { SESSION_FILES_MAX, SessionStore } from "../../api/store/session-store.ts";
import { until } from "../fixtures/docker.fixture.ts";
import { createModel } from "../fixtures/model.fixture.ts";
import { eventsOf, onDemand, Site } from "../fixtures/site.fixture.ts";

const BAD = process.env.OPENCLAW_TEST_LONG === "1" ? 9_000 : 1_000;

const agents = (...ids: string[]): object => ({
  agents: { ...(onDemand() as { agents: object }).agents, list: ids.map((id) => ({ id })) },
});

async function putBad(site: Site, agentId: string, count: number): Promise<void> {
  await mkdir(dirname(site.sessionPath(agentId, "x")), { recursive: true });
  for (let at = 0; at < count; at += 100)
    await Promise.all(
      Array.from({ length: Math.min(100, count - at) }, (_, index) =>
        writeFile(site.sessionPath(agentId, `bad-${at + index}`), JSON.stringify({ kind: "Session", spec: {}, metadata: {} })),
      ),
    );
}

test("thousands of bad files are one line, and a few are a line each", { timeout: 120_000 }, async () => {
  const model = await createModel();
  await model.site.writeConfig(agents("main", "work"));
  await putBad(model.site, "main", BAD);
  await putBad(model.site, "work", 2);
  await model.start();
  const told = eventsOf(model.controller, "SessionInvalid").map(({ object, message }) => ({ name: object.name, message }));
  expect(told.filter(({ name }) => name === dirname(model.site.sessionPath("main", "x")))).toHaveLength(1);
  expect(told.filter(({ name }) => name.includes("/main/"))).toHaveLength(1);
  expect(new Set(told.map(({ name }) => name)).size).toBe(3);
});

test("files of an agent that the config does not have are not read, and are once it has it", async () => {
  const model = await createModel();
  await model.site.writeConfig(agents("main"));
  for (const id of ["main", "work"]) await model.site.putSession(id, "main", { createdAt: model.clock.now() });
  await putBad(model.site, "nobody", 20);
  await model.start();
  const { desired } = model.controller;
  expect([...desired.sessions.keys()]).toEqual(["main"]);
  expect(eventsOf(model.controller, "SessionInvalid")).toEqual([]);
  await model.edit(agents("main", "work"));
  await until("its sessions are known", () => desired.desiredOfSession(toSessionKey("agent:work:main")) !== null);
  await model.edit(agents("main"));
  await until("they are forgotten", () => !desired.sessions.has(toAgentId("work")));
});

test("all agents together have a bounded number of files: beyond it one more agent can't be read", { timeout: 120_000 }, async () => {
  const site = new Site(await createFolder(), toInstanceId("0123456789ab"));
  const store = new SessionStore({ stateDir: site.stateDir, now: () => toEpochMs(Date.now()) });
  for (const id of ["a", "b"]) await putBad(site, id, SESSION_FILES_MAX / 2);
  await site.putSession("c", "main");
  const { agents: listed } = await store.list();
  expect([...listed.values()].filter(({ folder }) => folder === "unreadable")).toHaveLength(1);
  expect([...listed.values()].reduce((sum, { unread, sessions }) => sum + unread + sessions.length, 0)).toBeLessThanOrEqual(
    SESSION_FILES_MAX,
  );
});
