// Which port of which run of a browser a caller is let to. That bytes come from there: test/browsers.engine.test.ts.
import { expect, test } from "vitest";
import { toContainerId, toSandboxName, toSandboxUid } from "../../api/brands.ts";
import { type Fence, mustPortOf, type ServingBrowser } from "./browser-gate.ts";

const UID = "3b0f9a52-6a43-4a86-9a55-0d1c8f2d7c11";
const FENCE: Fence = { uid: UID, incarnation: "2026-01-31T12:00:00Z" };

function serving(env: Record<string, string> = {}): ServingBrowser {
  return {
    handle: { id: toContainerId("c".repeat(64)), uid: toSandboxUid(UID), incarnation: FENCE.incarnation },
    spec: {
      ...{ name: toSandboxName("openclaw-sbx-browser-agent-main-1"), workdir: "/workspace", user: "1000:1000" },
      env: {
        ...{ OPENCLAW_BROWSER_CDP_PORT: "9222", OPENCLAW_BROWSER_VNC_PORT: "5900", OPENCLAW_BROWSER_ENABLE_NOVNC: "1" },
        ...{ OPENCLAW_BROWSER_HEADLESS: "0", ...env },
      },
    },
  };
}

test("a port is reached of the very run that was asked about, and of no other container or run that took its place", () => {
  expect(mustPortOf(serving(), FENCE, "cdp")).toBe(9222);
  expect(mustPortOf(serving(), FENCE, "vnc")).toBe(5900);
  for (const other of [{ uid: "00000000-0000-4000-8000-000000000000" }, { incarnation: "2026-01-31T12:00:01Z" }])
    expect(() => mustPortOf(serving(), { ...FENCE, ...other }, "cdp")).toThrow(/is another one by now/);
});

test("a display is reached where there is one", () => {
  for (const env of [{ OPENCLAW_BROWSER_HEADLESS: "1" }, { OPENCLAW_BROWSER_ENABLE_NOVNC: "0" }])
    expect(() => mustPortOf(serving(env), FENCE, "vnc")).toThrow(/has no display/);
  expect(mustPortOf(serving({ OPENCLAW_BROWSER_HEADLESS: "1" }), FENCE, "cdp")).toBe(9222);
});
