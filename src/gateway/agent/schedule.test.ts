// What begins by itself, by a clock that a test moves and by croner's own: when, in which session, and that nothing does where the config says nothing.
import { expect, onTestFinished, test, vi } from "vitest";
import { type SessionKey, toSessionKey } from "../../api/brands.ts";
import { mustParse } from "../../api/config/config.fixture.ts";
import { VirtualClock } from "../../api/virtual-clock.fixture.ts";
import type { ChatInput, RunEvent } from "./agent-port.ts";
import { Schedule } from "./schedule.ts";

const MINUTE = 60_000;

function startSchedule(config: object) {
  const said: ChatInput[] = [];
  const warned: string[] = [];
  const clock = new VirtualClock();
  const told: (readonly [SessionKey, string])[] = [];
  const resets: SessionKey[] = [];
  const followers: { session: SessionKey | null; listen(event: RunEvent): void }[] = [];
  const state = { config: mustParse(JSON.stringify(config)), isBusy: false, lastSpokenTo: null as SessionKey | null };
  const schedule = new Schedule({
    config: () => state.config,
    clock,
    agent: {
      send: async (input) => {
        said.push(input);
        return { runId: "r" as never, acceptedAt: clock.now(), status: "started", reply: null };
      },
      current: () => (state.isBusy ? ({} as never) : null),
      follow: (session, listen) => {
        followers.push({ session, listen });
        return () =>
          void followers.splice(
            followers.findIndex((one) => one.listen === listen),
            1,
          );
      },
      inject: async (session, text) => void told.push([session, text]),
      lastSpokenTo: () => state.lastSpokenTo,
    },
    reset: async ({ spec }) => void resets.push(spec.key),
    sessions: { create: async ({ key, agentId, kind }) => ({ spec: { key, agentId, kind } }) as never },
    log: { info: () => undefined, warn: (fields: object) => void warned.push(JSON.stringify(fields)) } as never,
  });
  schedule.start();
  onTestFinished(() => schedule.stop());
  const keys = (): SessionKey[] => said.map(({ session }) => session);
  /** The run that was begun last answers. */
  const answer = (text: string): void => {
    const session = said.at(-1)?.session;
    const ended = { kind: "ended", runId: "r", session, outcome: "final", text } as unknown as RunEvent;
    for (const one of followers.filter((each) => each.session === session)) one.listen(ended);
  };
  return { said, warned, clock, state, keys, told, resets, followers, answer };
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

test.each([
  [{ target: "owner" }, null, []],
  [{ target: "last" }, "agent:main:direct:x", [["agent:main:direct:x", "Look at this."]]],
  [{ target: "last" }, null, []],
  [{ target: "none" }, "agent:main:direct:x", []],
  [{ isolatedSession: true }, null, [["agent:main:main", "Look at this."]]],
  [{ isolatedSession: true, target: "last" }, "agent:main:direct:x", [["agent:main:direct:x", "Look at this."]]],
  [{ isolatedSession: true, target: "none" }, null, []],
] as const)("what a heartbeat %j says is told where its target is, with %j as the last place: %j", async (options, last, expected) => {
  const { clock, state, told, answer, followers } = startSchedule({ agents: { defaults: { heartbeat: { every: "30m", ...options } } } });
  state.lastSpokenTo = last === null ? null : toSessionKey(last);
  await clock.advance(31 * MINUTE);
  answer("Look at this.");
  expect(told).toEqual(expected);
  expect(followers).toEqual([]);
});

test("one that says nothing tells nobody; an isolated one begins anew each time, with a model of its own where it has one", async () => {
  const heartbeat = { every: "30m", isolatedSession: true, model: "mock/small" };
  const { clock, said, keys, told, resets, answer } = startSchedule({ agents: { defaults: { heartbeat } } });
  await clock.advance(31 * MINUTE);
  answer("");
  await clock.advance(30 * MINUTE);
  expect(told).toEqual([]);
  expect(keys()).toEqual(["agent:main:cron:heartbeat:own", "agent:main:cron:heartbeat:own"]);
  expect(resets).toEqual(keys());
  expect(said[0]?.wishes.model).toBe("mock/small");
});
