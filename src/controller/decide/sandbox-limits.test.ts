// Which sandboxes are too many, whatever a gateway writes into session files.
import { describe, expect, test } from "vitest";
import { toAgentId, toEpochMs, toSandboxName, toScopeKey, toSessionKey } from "../../api/brands.ts";
import type { Session } from "../../api/session.ts";
import { toLimits } from "./sandbox-limits.ts";

const MAIN = toAgentId("main");
const SPAWNING = { depthMax: 1, childrenMax: 5 };

function session(rest: string, at: number, parent?: string): Session {
  const spec = { key: toSessionKey(`agent:main:${rest}`), agentId: MAIN, kind: "direct" as const };
  return {
    ...{ apiVersion: "openclaw.ai/v1", kind: "Session" },
    metadata: { name: rest.replaceAll(":", "-"), uid: "3b0f9a52-6a43-4a86-9a55-0d1c8f2d7c11", createdAt: toEpochMs(at) },
    spec: parent === undefined ? spec : { ...spec, parentKey: toSessionKey(`agent:main:${parent}`) },
  };
}

/** Each has a sandbox of its own. */
function limitsOf(sessions: readonly Session[], maxSandboxes = 100, spawning = SPAWNING): string[] {
  const byName = new Map(
    sessions.map((one) => {
      const name = toSandboxName(one.metadata.name);
      return [name, { desired: { name, kind: "tools", scopeKey: toScopeKey(one.spec.key) } as const, eager: false, sessions: [one] }];
    }),
  );
  return [...toLimits(byName, { maxSandboxes, spawning })].map(([name, limit]) => `${name}: ${limit}`);
}

const many = (count: number, parent?: string, prefix = "subagent:"): Session[] =>
  Array.from({ length: count }, (_, index) => session(`${prefix}${String(index).padStart(4, "0")}`, 1_000 + index, parent));

describe("sandboxes that sessions ask for", () => {
  test("of one session's children are five, the oldest", () => {
    expect(limitsOf([session("main", 0), ...many(7, "main")])).toEqual(["subagent-0005: children", "subagent-0006: children"]);
  });

  test("of children whose parent is not written down are five for the agent", () => {
    expect(limitsOf(many(7))).toHaveLength(2);
  });

  test("of a child's children are none, or one level with its key, whatever their parents say", () => {
    const tree = [
      session("main", 0),
      session("subagent:a", 1, "main"),
      session("subagent:b", 2, "subagent:a"),
      session("subagent:c", 3, "subagent:b"),
    ];
    expect(limitsOf(tree)).toEqual(["subagent-b: depth", "subagent-c: depth"]);
    expect(limitsOf(tree, 100, { depthMax: 2, childrenMax: 5 })).toEqual(["subagent-c: depth"]);
    expect(limitsOf([session("subagent:b", 2, "subagent:gone")])).toEqual(["subagent-b: depth"]);
    expect(limitsOf([session("x", 1, "y"), session("y", 1, "x")])).toEqual(["x: depth", "y: depth"]);
  });

  test("of all children leave a tenth to those that nobody began, however early they came", () => {
    const children = Array.from({ length: 4 }, (_, index) => many(5, `p${index}`, `subagent:${index}:`)).flat();
    const limits = limitsOf([...children, session("late", 9_000), session("later", 9_001)], 20);
    expect(limits).toEqual(["subagent-2-0004: all-children", "subagent-3-0004: all-children"]);
  });

  test("of all sessions are as many as the config says, the oldest", () => {
    expect(limitsOf([session("a", 1), session("b", 2), session("c", 3)], 2)).toEqual(["c: all"]);
  });
});
