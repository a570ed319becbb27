// What a wrong address is taken for.
import { expect, test } from "vitest";
import { toNearestPath, toReadPath } from "./nearest-path.ts";

const pages = [
  { to: "/", label: "Overview" },
  { to: "/sandboxes", label: "Sandboxes" },
  { to: "/sessions", label: "Sessions" },
  { to: "/settings", label: "Settings" },
];
const exists = (path: string): boolean => /^\/(?:sandboxes\/[^/]+|sessions\/[^/]+(?:\/files)?)$/.test(path);

test.each([
  ["/sandbox", "/sandboxes"],
  ["/Sandboxes", "/sandboxes"],
  ["/sandbox/openclaw-sbx-a", "/sandboxes/openclaw-sbx-a"],
  ["/sandboxes/openclaw-sbx-a/logs", "/sandboxes/openclaw-sbx-a"],
  ["/sesions/agent%3Amain%3Amain/files", "/sessions/agent%3Amain%3Amain/files"],
  ["/session/agent%3Amain%3Amain/nowhere", "/sessions/agent%3Amain%3Amain"],
  ["/settings/theme", "/settings"],
  ["/overview", "/"],
  ["/overveiw/x", "/"],
  ["/nowhere", null],
  ["/", null],
  [`/${"s".repeat(100)}`, null],
])("%s is taken for %s", (path, expected) => {
  expect(toNearestPath(path, { pages, exists })).toBe(expected);
});

test.each([
  ["/sessions/agent%3Amain%3Amain", "/sessions/agent:main:main"],
  ["/100%", "/100%"],
  ["/%E2%80", "/%E2%80"],
])("%s is read as %s", (path, expected) => {
  expect(toReadPath(path)).toBe(expected);
});
