import { expect, test } from "vitest";
import { isSandboxed, toSessionScope } from "./sandboxed.ts";

test.each([
  ["off", "agent:a:main", "main", false],
  ["off", "agent:a:telegram:group:1", "group", false],
  ["off", "agent:a:mcp:1", "mcp", true],
  ["all", "agent:a:main", "main", true],
  ["all", "agent:a:cron:1", "cron", true],
  ["non-main", "agent:a:main", "main", false],
  ["non-main", "agent:a:main", "mcp", true],
  ["non-main", "agent:a:main2", "direct", true],
  ["non-main", "agent:a:sub:main", "subagent", true],
  ["non-main", "agent:a:telegram:group:1", "group", true],
  ["non-main", "agent:a:x", "main", true],
] as const)("mode %s: the session %s (%s) is sandboxed: %s", (mode, key, kind, expected) => {
  expect(isSandboxed(mode, { key, agentId: "a", kind })).toBe(expected);
});

test("an MCP session has a sandbox of its own, whatever the agent's scope", () => {
  expect(toSessionScope("shared", { kind: "mcp" })).toBe("session");
  expect(toSessionScope("shared", { kind: "group" })).toBe("shared");
});
