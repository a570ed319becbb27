import { expect, test } from "vitest";
import { toAgentId, toEpochMs, toInstanceId, toSessionKey } from "../../api/brands.ts";
import { mustParse } from "../../api/config/config.fixture.ts";
import { toSlug } from "../../api/names.ts";
import type { Session } from "../../api/session.ts";
import type { SandboxTool } from "../../api/wire.ts";
import { DesiredState } from "../sources/desired-state.ts";
import { SessionGate } from "./session-gate.ts";

const MAIN = toAgentId("main");
const KEY = "agent:main:main";

function createGate(full: string | null): SessionGate {
  const desired = new DesiredState((scopeKey) => toSlug(toInstanceId("0123456789ab"), scopeKey), {
    stateDir: "/state",
    home: "/home/claw",
  });
  desired.setConfig(mustParse(JSON.stringify({ agents: { defaults: { sandbox: { mode: "all" } } } })));
  const session: Session = {
    ...{ apiVersion: "openclaw.ai/v1", kind: "Session" },
    metadata: { name: "main", uid: "3b0f9a52-6a43-4a86-9a55-0d1c8f2d7c11", createdAt: toEpochMs(0) },
    spec: { key: toSessionKey(KEY), agentId: MAIN, kind: "main" },
  };
  desired.setSessions(new Map([[MAIN, { folder: "read", sessions: [session], unread: 0, unreadNames: [] }]]));
  desired.setRequests(new Map());
  return new SessionGate({ desired, statusOf: () => null, statuses: () => [], fullness: () => full });
}

test.each<SandboxTool>(["write", "edit", "apply_patch", "media"])("%s is refused while the workspace is full, with what helps", (tool) => {
  expect(createGate(null).admit(KEY, tool).sandbox).toContain("agent-main");
  expect(() => createGate("the workspace takes 3 MiB").admit(KEY, tool)).toThrow(
    expect.objectContaining({
      code: "LimitExceeded",
      retryable: false,
      message: "the workspace takes 3 MiB",
      fix: expect.stringContaining("docker.workspaceSize"),
    }),
  );
});

test.each<SandboxTool>(["exec", "process", "read"])("%s is not: files can be looked at and removed", (tool) => {
  expect(createGate("full").admit(KEY, tool).agentId).toBe(MAIN);
});

test("thousands of ends are looked up in one look at each session and each sandbox", () => {
  const desired = new DesiredState((scopeKey) => toSlug(toInstanceId("0123456789ab"), scopeKey), {
    stateDir: "/state",
    home: "/home/claw",
  });
  desired.setConfig(mustParse("{}"));
  desired.setRequests(new Map());
  const looks = { sessions: 0, sandboxes: 0 };
  const ended = Array.from({ length: 1_000 }, (_, index): Session => {
    const spec = { key: toSessionKey(`agent:main:${index}`), agentId: MAIN, kind: "direct" as const, endedAt: toEpochMs(1) };
    const metadata = { name: `s-${index}`, uid: `3b0f9a52-6a43-4a86-9a55-${String(index).padStart(12, "0")}`, createdAt: toEpochMs(0) };
    return { apiVersion: "openclaw.ai/v1", kind: "Session", metadata, spec };
  });
  const items = ended.map(({ metadata: { uid }, spec: { key } }) => ({ key, uid }));
  const watched = ended.map(
    (session) =>
      new Proxy(session, {
        get: (of, field, self) => {
          looks.sessions += field === "metadata" ? 1 : 0;
          return Reflect.get(of, field, self);
        },
      }),
  );
  desired.setSessions(new Map([[MAIN, { folder: "read", sessions: watched, unread: 0, unreadNames: [] }]]));
  const statuses = (): readonly [] => {
    looks.sandboxes += 1;
    return [];
  };
  const gate = new SessionGate({ desired, statusOf: () => null, statuses, fullness: () => null });
  looks.sessions = 0;
  expect(gate.seenEnds(items)).toHaveLength(1_000);
  expect(looks).toEqual({ sessions: 1_000, sandboxes: 1 });
});
