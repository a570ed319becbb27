// What an edit of the config costs: what it leaves as it was is neither named again nor made again, however many sandboxes there are.
import { expect, test } from "vitest";
import { type AgentId, type ScopeKey, toAgentId, toSandboxName } from "../../api/brands.ts";
import type { Config } from "../../api/config/config.ts";
import { parseConfig } from "../../api/config/parse.ts";
import { toSources } from "../../api/config/sources.ts";
import { toSlug } from "../../api/names.ts";
import { Session } from "../../api/session.ts";
import { INSTANCE } from "../decide/decide.fixture.ts";
import { DesiredState } from "./desired-state.ts";

const FOLDERS = { stateDir: "/state", home: "/home/user" };
const AGENTS = ["one", "two"].map(toAgentId);
const SESSIONS_EACH = 50;

/** @param special sandbox settings of the first agent */
function configOf(defaults: object = {}, special: object = {}): Config {
  const list = AGENTS.map((id, index) => ({ id, ...(index === 0 && { sandbox: special }) }));
  const text = JSON.stringify({ agents: { defaults: { sandbox: { mode: "all", scope: "session", ...defaults } }, list } });
  const parsed = parseConfig(toSources(text), { ...FOLDERS, variables: {}, trustedOwners: null });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.issues));
  return parsed.value;
}

const sessionsOf = (agentId: AgentId): Session[] =>
  Array.from({ length: SESSIONS_EACH }, (_, index) =>
    Session.parse({
      apiVersion: "openclaw.ai/v1",
      kind: "Session",
      metadata: { name: `s${index}`, uid: "00000000-0000-4000-8000-000000000000", createdAt: "2026-01-31T12:00:00.000Z" },
      spec: { key: `agent:${agentId}:s${index}`, agentId, kind: "direct" },
    }),
  );

/** A desired state with a hundred sandboxes, and the scope keys whose names it has asked for since it was loaded. */
function load() {
  const asked: ScopeKey[] = [];
  const slugOf = (scopeKey: ScopeKey): string => {
    asked.push(scopeKey);
    return toSlug(INSTANCE, scopeKey);
  };
  const desired = new DesiredState(slugOf, FOLDERS);
  desired.setRequests(new Map());
  desired.setSessions(new Map(AGENTS.map((id) => [id, { folder: "read", sessions: sessionsOf(id), unread: 0 }])));
  desired.setConfig(configOf());
  const before = new Map(desired.names().map((name) => [name, desired.desiredOf(name)]));
  asked.length = 0;
  return { desired, asked, before };
}

const MEMORY = { docker: { memory: "512m" } };

test("an edit of one agent concerns that agent's sandboxes, and leaves the others' the objects that they were", () => {
  const { desired, before } = load();
  const changed = new Set(desired.setConfig(configOf({}, MEMORY)));
  expect(changed.size).toBe(SESSIONS_EACH);
  for (const [name, was] of before) expect(desired.desiredOf(name) === was).toBe(!changed.has(name));
});

test("a preview of an edit has the objects in common that the edit leaves as they are, and changes nothing", () => {
  const { desired, before } = load();
  const preview = desired.preview(configOf({}, MEMORY));
  const same = [...before].filter(([name, was]) => preview?.desiredOf(name) === was);
  expect([preview?.names().length, same.length]).toEqual([2 * SESSIONS_EACH, SESSIONS_EACH]);
  for (const [name, was] of before) expect(desired.desiredOf(name)).toBe(was);
});

test("an edit that concerns all looks up no name again", () => {
  const { desired, asked } = load();
  expect(desired.setConfig(configOf(MEMORY))).toHaveLength(2 * SESSIONS_EACH);
  expect(desired.preview(configOf(MEMORY))?.names()).toHaveLength(2 * SESSIONS_EACH);
  expect(asked).toEqual([]);
});

test("names are looked up again where an edit moves the folders, and once a listing shows others", () => {
  const { desired, asked } = load();
  desired.setConfig(configOf({ workspaceRoot: "/elsewhere" }));
  expect(asked).toHaveLength(2 * SESSIONS_EACH);
  desired.namesChanged();
  expect(asked).toHaveLength(4 * SESSIONS_EACH);
});

test("an edit of the prefix names every sandbox anew, after the slug that it has", () => {
  const { desired, asked } = load();
  desired.setConfig(configOf({ docker: { containerPrefix: "other-" } }));
  expect(desired.has(toSandboxName(`other-${toSlug(INSTANCE, "agent:one:s7" as ScopeKey)}`))).toBe(true);
  expect(asked).toEqual([]);
});
