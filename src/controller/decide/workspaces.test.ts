// What becomes of a session's folder: only evidence removes it, and only where the config says so.
import { expect, test } from "vitest";
import { DAY_MS, type EpochMs, later, MINUTE_MS, toAgentId, toScopeKey, toSessionKey } from "../../api/brands.ts";
import { desiredOf, NOW, wantedOf } from "./decide.fixture.ts";
import type { Evidence, Want } from "./types.ts";
import { dispositionOf, type WorkspaceDisposition, type WorkspaceFacts } from "./workspaces.ts";

const unwanted = (evidence: Evidence): Want => ({ kind: "unwanted", evidence, because: "nothing asks for it", hotWindowMs: 0 });
const ENDED = unwanted({ kind: "session-ended", sessionKey: toSessionKey("agent:main:a"), endedAt: NOW });
const GONE = unwanted({ kind: "session-gone", folderOf: toAgentId("main") });

function dispositionWith(edit: Partial<WorkspaceFacts> = {}): WorkspaceDisposition {
  return dispositionOf({
    now: NOW,
    scopeKey: toScopeKey("agent:main:a"),
    want: ENDED,
    policy: "delete",
    usedBy: null,
    release: null,
    ...edit,
  });
}

const missedFor = (duration: number, ended: boolean): WorkspaceFacts["release"] => ({ since: (NOW - duration) as EpochMs, ended });

test("a folder goes a minute after its session was found ended, and a day after its session was found missing", () => {
  expect(dispositionWith()).toMatchObject({ kind: "waits", release: { since: NOW, ended: true } });
  expect(dispositionWith({ release: missedFor(MINUTE_MS - 1, true) }).kind).toBe("waits");
  expect(dispositionWith({ release: missedFor(MINUTE_MS, true) }).kind).toBe("removable");
  expect(dispositionWith({ want: GONE, release: missedFor(DAY_MS - 1, false) })).toMatchObject({
    kind: "waits",
    because: expect.stringContaining("restore the session's file"),
  });
  expect(dispositionWith({ want: GONE, release: missedFor(DAY_MS, false) }).kind).toBe("removable");
});

test("a session that said it ended has ended, also once its file is gone", () => {
  expect(dispositionWith({ want: GONE, release: missedFor(MINUTE_MS, true) }).kind).toBe("removable");
});

test.each<[string, Partial<WorkspaceFacts>, WorkspaceDisposition["kind"]]>([
  ["a wanted sandbox", { want: wantedOf(desiredOf()) }, "owned"],
  ["a sandbox of which nothing is known", { want: { kind: "unknown", because: "no folder" } }, "owned"],
  ["a removal that waits for a person", { want: { kind: "held", because: "gone", message: "gone" } }, "owned"],
  ["an idle session's sandbox", { want: unwanted({ kind: "idle", since: NOW, idleHours: 1 }) }, "owned"],
  ["a session whose agent is sandboxed no more", { want: unwanted({ kind: "config", says: "mode off" }) }, "kept"],
  ["a policy of keep", { policy: "keep" }, "kept"],
  ["an agent that is not configured", { policy: null }, "kept"],
  ["an agent's own scope", { scopeKey: toScopeKey("agent:main") }, "kept"],
  ["the shared scope", { scopeKey: toScopeKey("shared") }, "kept"],
  ["a container that mounts it", { usedBy: "a container" }, "waits"],
])("the folder stays for %s, however long its session is missed", (_, edit, kind) => {
  expect(dispositionWith({ release: { since: later(NOW, (-90 * DAY_MS) as never), ended: true }, ...edit }).kind).toBe(kind);
});
