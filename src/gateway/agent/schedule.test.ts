// What begins by itself, by a clock that a test moves and by croner's own: when, in which session, and that nothing does where the config says nothing.
import { expect, onTestFinished, test, vi } from "vitest";
import type { SessionKey } from "../../api/brands.ts";
import { mustParse } from "../../api/config/config.fixture.ts";
import { VirtualClock } from "../../api/virtual-clock.fixture.ts";
import type { ChatInput } from "./agent-port.ts";
import { Schedule } from "./schedule.ts";

const MINUTE = 60_000;

function startSchedule(config: object) {
  const said: ChatInput[] = [];
  const warned: string[] = [];
  const clock = new VirtualClock();
  const state = { config: mustParse(JSON.stringify(config)), isBusy: false };
  const schedule = new Schedule({
    config: () => state.config,
    clock,
    agent: {
      send: async (input) => {
        said.push(input);
        return { runId: "r" as never, acceptedAt: clock.now(), status: "started", reply: null };
      },
      current: () => (state.isBusy ? ({} as never) : null),
    },
    sessions: { create: async ({ key, agentId, kind }) => ({ spec: { key, agentId, kind } }) as never },
    log: { info: () => undefined, warn: (fields: object) => void warned.push(JSON.stringify(fields)) } as never,
  });
  schedule.start();
  onTestFinished(() => schedule.stop());
  const keys = (): SessionKey[] => said.map(({ session }) => session);
  return { said, warned, clock, state, keys };
}

test("where the config says nothing, nothing begins", async () => {
  const { said, clock } = startSchedule({});
  await clock.advance(24 * 60 * MINUTE);
  expect(said).toEqual([]);
});

test("a heartbeat is said to the default agent's main session each time, by nobody's wish but the config's, and not while it works", async () => {
  const { said, clock, state, keys } = startSchedule({
    agents: { defaults: { heartbeat: { every: "30m" } }, list: [{ id: "main" }, { id: "work" }] },
  });
  await clock.advance(61 * MINUTE);
  expect(keys()).toEqual(["agent:main:main", "agent:main:main"]);
  expect(said[0]).toMatchObject({ requester: { kind: "schedule", isOwner: true }, queueMode: "followup" });
  state.isBusy = true;
  await clock.advance(60 * MINUTE);
  expect(said).toHaveLength(2);
});

test("agents that have a heartbeat of their own are the only ones, within their hours, and an edit counts", async () => {
  const work = { id: "work", heartbeat: { every: "30m", prompt: "look", activeHours: { start: "00:00", end: "00:00", timezone: "UTC" } } };
  const { said, clock, state, keys } = startSchedule({
    agents: { defaults: { heartbeat: { every: "30m" } }, list: [{ id: "main" }, work] },
  });
  await clock.advance(61 * MINUTE);
  expect(said).toEqual([]);
  state.config = mustParse(
    JSON.stringify({ agents: { list: [{ id: "main" }, { ...work, heartbeat: { every: "10m", prompt: "look" } }] } }),
  );
  await clock.advance(11 * MINUTE);
  expect(keys()).toEqual(["agent:work:main"]);
  state.config = mustParse(JSON.stringify({ agents: { list: [{ id: "main" }, { ...work, heartbeat: { every: "0m" } }] } }));
  await clock.advance(60 * MINUTE);
  expect(said).toHaveLength(1);
});

test("a job is said to a session of its own; one that is off, and one whose schedule nobody can read, is not", async () => {
  const job = { id: "each-second", schedule: "* * * * * *", message: "tick" };
  const { warned, keys } = startSchedule({
    cron: { jobs: [job, { ...job, id: "off", enabled: false }, { ...job, id: "broken", schedule: "sometimes" }] },
  });
  await vi.waitFor(() => expect(keys()).toContain("agent:main:cron:each-second"), { timeout: 20_000 });
  expect(new Set(keys()).size).toBe(1);
  expect(warned).toEqual([expect.stringContaining("broken")]);
});
