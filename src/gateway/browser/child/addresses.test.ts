// Where a tab may be sent, and at what the tool looks.
import { expect, test } from "vitest";
import { checkLookedAt, toAddress } from "./addresses.ts";

test.each([
  ["https://example.org/a?b#c", "https://example.org/a?b#c"],
  ["example.org", "https://example.org/"],
  ["localhost:8080/x", "https://localhost:8080/x"],
  ["HTTP://EXAMPLE.org", "http://example.org/"],
  [" about:blank ", "about:blank"],
])("a tab goes to %s", (text, address) => {
  expect(toAddress(text)).toBe(address);
});

test.each([
  ...["file:///etc/passwd", "FILE:///etc/passwd", "file:/etc/passwd", "view-source:https://example.org", "view-source:file:///etc/passwd"],
  ...["chrome://settings", "chrome://crash", "chrome-extension://x/y", "devtools://devtools/bundled/inspector.html", "about:config"],
  ...["javascript:alert(1)", "data:text/html,<script>alert(1)</script>", "blob:https://example.org/1", "filesystem:https://example.org/x"],
  ...["ftp://example.org", "ws://127.0.0.1:9222/devtools/browser/1", "\tfile:///etc/passwd", `https://e/${"x".repeat(9_000)}`],
])("a tab goes nowhere by %j", (text) => {
  expect(() => toAddress(text)).toThrow(/a tab goes to|is no address|is longer than/);
});

test("the tool looks at pages of the web and at nothing that steers the browser or shows its files", () => {
  for (const url of ["", "https://example.org", "about:blank", "blob:https://example.org/1", "data:,x", "chrome-error://chromewebdata/"])
    expect(() => checkLookedAt(url)).not.toThrow();
  for (const url of [
    "file:///etc/passwd",
    "chrome://settings",
    "devtools://devtools/x",
    "view-source:https://example.org",
    "chrome-extension://x",
  ])
    expect(() => checkLookedAt(url)).toThrow("which the tool neither shows nor touches");
});
