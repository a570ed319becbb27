// Looks at the session folders of several agents: what is believed, what is not, and that what can't be read is never taken for gone.
import { randomUUID } from "node:crypto";
import { mkdir, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { type AgentId, type EpochMs, MINUTE_MS, renderTime, SECOND_MS, toAgentId, toEpochMs } from "../brands.ts";
import type { SessionFile } from "../session.ts";
import { createFolder, eventually } from "./folder.fixture.ts";
import { createSessionObjects, type SessionHint, type SessionListing, SessionStore, sessionsFolder } from "./session-store.ts";

const NOW = toEpochMs(Date.UTC(2026, 0, 31, 12));
const main = toAgentId("main");

function toSession(
  name: string,
  overrides: { agentId?: string; createdAt?: string; lastActivityAt?: string; endedAt?: string } = {},
): SessionFile {
  const { agentId = "main", createdAt = "2026-01-01T00:00:00Z", ...times } = overrides;
  return {
    apiVersion: "openclaw.ai/v1",
    kind: "Session",
    metadata: { name, uid: randomUUID(), createdAt },
    spec: { key: `agent:${agentId}:${name}`, agentId, kind: "direct", ...times },
  };
}

async function createStore(now: () => EpochMs = () => NOW) {
  const stateDir = await createFolder();
  const store = new SessionStore({ stateDir, now });
  const put = (session: SessionFile, agentId: AgentId = main): Promise<void> =>
    createSessionObjects(stateDir, agentId, now).put(session.metadata.name, session);
  /** Whatever it is, and old enough to be looked at only once. */
  const writeOld = async (name: string, text: string, agentId = "main"): Promise<void> => {
    const folder = sessionsFolder(stateDir, toAgentId(agentId));
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, name), text);
    await utimes(join(folder, name), 1, 1);
  };
  return { stateDir, store, put, writeOld };
}

const files = (...names: string[]): SessionHint => ({ kind: "files", agentId: main, files: new Set(names) });
const keysOf = (listing: SessionListing, agentId = main): string[] =>
  (listing.agents.get(agentId)?.sessions ?? []).map(({ spec }) => spec.key as string).sort();

describe("sessions", () => {
  test("of all agents are listed, ended ones too", async () => {
    const { store, put } = await createStore();
    await put(toSession("one"));
    await put(toSession("two", { endedAt: "2026-01-02T00:00:00Z" }));
    await put(toSession("one", { agentId: "work" }), toAgentId("work"));
    const listing = await store.list();
    expect(keysOf(listing)).toEqual(["agent:main:one", "agent:main:two"]);
    expect(keysOf(listing, toAgentId("work"))).toEqual(["agent:work:one"]);
    expect(listing.agents.get(main)).toMatchObject({ folder: "read", unread: 0 });
    expect(listing.issues).toEqual([]);
  });

  test("that changed are seen at the next look at their file", async () => {
    const { store, put } = await createStore();
    await put(toSession("one"));
    await store.list();
    await put(toSession("one", { endedAt: "2026-01-02T00:00:00Z" }));
    await put(toSession("two"));
    const listing = await store.refresh([files("one.session.json", "two.session.json")]);
    expect(
      listing.agents
        .get(main)
        ?.sessions.map(({ spec }) => spec.endedAt !== undefined)
        .sort(),
    ).toEqual([false, true]);
  });

  test("of an agent that was not known yet are found by any look", async () => {
    const { store, put } = await createStore();
    await put(toSession("one"));
    expect(keysOf(await store.refresh([files("one.session.json")]))).toEqual(["agent:main:one"]);
  });
});

describe("a session file that is not believed", () => {
  const FUTURE = renderTime(toEpochMs(NOW + MINUTE_MS + SECOND_MS));
  test.each([
    ["in another agent's folder", JSON.stringify(toSession("bad", { agentId: "work" })), "is in the folder of main"],
    ["whose key names another agent", JSON.stringify(toSession("bad")).replace("agent:main:", "agent:work:"), "names another agent"],
    ["created in the future", JSON.stringify(toSession("bad", { createdAt: FUTURE })), "in the future"],
    ["used in the future", JSON.stringify(toSession("bad", { lastActivityAt: FUTURE })), "in the future"],
    ["ended in the future", JSON.stringify(toSession("bad", { endedAt: FUTURE })), "in the future"],
    ["that is half written", '{"apiVersion": "openclaw.ai', "not valid JSON"],
    ["of another version", JSON.stringify(toSession("bad")).replace("openclaw.ai/v1", "openclaw.ai/v9"), "openclaw.ai/v1"],
    ["over 64 KiB", JSON.stringify(toSession("bad")).padEnd(70_000), "larger than 65536 bytes"],
  ])("(%s) is an issue, is reported by its name and leaves the others in force", async (_what, text, message) => {
    const { store, put, writeOld } = await createStore();
    await put(toSession("good"));
    await writeOld("bad.session.json", text);
    const listing = await store.list();
    expect(keysOf(listing)).toEqual(["agent:main:good"]);
    expect(listing.agents.get(main)).toMatchObject({ folder: "read", unread: 1, unreadNames: ["bad"] });
    expect(listing.issues.map((issue) => issue.message).join()).toContain(message);
    expect(listing.issues[0]?.file).toContain("bad.session.json");
  });

  test("because its time is a little ahead is believed once that time has come, without being touched", async () => {
    let now = NOW;
    const { store, put } = await createStore(() => now);
    await put(toSession("soon", { lastActivityAt: FUTURE }));
    expect((await store.list()).agents.get(main)?.unread).toBe(1);
    now = toEpochMs(NOW + 2 * SECOND_MS);
    expect((await store.list()).agents.get(main)).toMatchObject({ unread: 0, sessions: [{ metadata: { name: "soon" } }] });
  });

  test("is not so for a clock that is half a minute ahead", async () => {
    const { store, put } = await createStore();
    await put(toSession("skewed", { lastActivityAt: renderTime(toEpochMs(NOW + 30 * SECOND_MS)) }));
    expect((await store.list()).agents.get(main)?.unread).toBe(0);
  });
});

describe("not knowing is not the same as none", () => {
  test("when an agent's session folder vanishes", async () => {
    const { store, put, stateDir } = await createStore();
    await put(toSession("one"));
    await store.list();
    await rm(sessionsFolder(stateDir, main), { recursive: true });
    expect((await store.list()).agents.get(main)).toMatchObject({ folder: "missing", sessions: [] });
    await rm(join(stateDir, "agents"), { recursive: true });
    expect((await store.list()).agents.get(main)).toMatchObject({ folder: "missing" });
  });

  test("when the agent has no session folder yet", async () => {
    const { store, stateDir } = await createStore();
    await mkdir(join(stateDir, "agents", "main"), { recursive: true });
    expect((await store.list()).agents.get(main)).toMatchObject({ folder: "missing" });
  });

  test("when a folder can't be read", async () => {
    const { store, stateDir } = await createStore();
    await mkdir(join(stateDir, "agents", "main"), { recursive: true });
    await writeFile(join(stateDir, "agents", "main", "sessions"), "");
    const listing = await store.list();
    expect(listing.agents.get(main)).toMatchObject({ folder: "unreadable" });
    expect(listing.issues).toHaveLength(1);
  });

  test("when there is no state at all", async () => {
    const { store } = await createStore();
    expect(await store.list()).toEqual({ agents: new Map(), issues: [] });
  });

  test("and an empty folder is none", async () => {
    const { store, stateDir } = await createStore();
    await mkdir(sessionsFolder(stateDir, main), { recursive: true });
    expect((await store.list()).agents.get(main)).toMatchObject({ folder: "read", unread: 0, sessions: [] });
  });
});

test("upstream's files, transcripts, symlinks and folders that are no agents are left alone", async () => {
  const { store, put, writeOld, stateDir } = await createStore();
  await put(toSession("one"));
  for (const name of ["sessions.json", "one.jsonl", "one.session.json.bak"]) await writeOld(name, "junk");
  for (const name of ["UPPER", "a b", ".hidden", "x".repeat(70)])
    await mkdir(join(stateDir, "agents", name, "sessions"), { recursive: true });
  await symlink("/etc/hostname", join(sessionsFolder(stateDir, main), "link.session.json"));
  const listing = await store.list();
  expect([...listing.agents.keys()]).toEqual(["main"]);
  expect(listing.agents.get(main)).toMatchObject({ unreadNames: ["link"], sessions: [{ metadata: { name: "one" } }] });
});

test("a watch tells which session files changed, new agents, and nothing of transcripts", async () => {
  const { store, put, stateDir } = await createStore();
  await put(toSession("one"));
  await store.list();
  const hints: SessionHint[] = [];
  const abort = new AbortController();
  onTestFinished(() => abort.abort());
  store.watch((hint) => hints.push(hint), abort.signal);
  const tells = (agentId: AgentId, file: string) => (): boolean =>
    hints.some((hint) => hint.kind === "files" && hint.agentId === agentId && hint.files.has(file));
  await eventually("the first hint is a relist", () => hints[0]?.kind === "relist");
  await eventually("changes of one are told", async () => {
    await put(toSession("one"));
    return tells(main, "one.session.json")();
  });
  hints.length = 0;
  await writeFile(join(sessionsFolder(stateDir, main), "one.jsonl"), "{}");
  await put(toSession("two"));
  await eventually("two is told", tells(main, "two.session.json"));
  expect(hints.some((hint) => hint.kind === "files" && hint.files.has("one.jsonl"))).toBe(false);
  hints.length = 0;
  const work = toAgentId("work");
  await put(toSession("one", { agentId: "work" }), work);
  await eventually("a new agent is a relist", () => hints.some(({ kind }) => kind === "relist"));
  expect(keysOf(await store.list(), work)).toEqual(["agent:work:one"]);
  await eventually("changes of the new agent's sessions are told", async () => {
    await put(toSession("one", { agentId: "work" }), work);
    return tells(work, "one.session.json")();
  });
});

test("ten thousand sessions are listed again without being read again, but for the one that changed", async () => {
  const { store, stateDir } = await createStore();
  const folder = sessionsFolder(stateDir, main);
  await mkdir(folder, { recursive: true });
  const names = Array.from({ length: 10_000 }, (_, index) => `session-${index}`);
  for (let at = 0; at < names.length; at += 500) {
    await Promise.all(
      names.slice(at, at + 500).map((name) => writeFile(join(folder, `${name}.session.json`), JSON.stringify(toSession(name)))),
    );
  }
  const sessionsOf = (listing: SessionListing): readonly unknown[] => listing.agents.get(main)?.sessions ?? [];
  const first = sessionsOf(await store.list());
  const again = sessionsOf(await store.list());
  expect(first).toHaveLength(10_000);
  expect(again.filter((session, at) => session !== first[at])).toEqual([]);
  await writeFile(join(folder, "session-7.session.json"), JSON.stringify(toSession("session-7")));
  const refreshed = sessionsOf(await store.refresh([files("session-7.session.json")]));
  expect(refreshed.filter((session, at) => session !== first[at])).toHaveLength(1);
}, 60_000);
