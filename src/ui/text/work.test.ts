// Files and output as the work pages show them: nothing is lost between bytes and a field, and terminals' codes are no text.
import { expect, test } from "vitest";
import type { Sandbox } from "../../api/sandbox.ts";
import type { UnownedObject } from "../../api/wire.ts";
import { toBytes, toContent } from "./file-content.ts";
import { findPathProblem, joinPath, nameOf, parentOf, toFileUrl, toOtherName, toSteps } from "./paths.ts";
import { toPlainOutput } from "./plain-output.ts";
import { toProcessCommand } from "./process.ts";
import { hasBrowser, isSessionIn } from "./sessions.ts";
import { countUnowned } from "./unowned.ts";

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

test.each(["", "one", "a\nb\n", "a\r\nb\r\n", "\ufeffmark\n", "größe 見出し \u202e\u0007"])(
  "%j comes back from a field as it was",
  (text) => {
    const content = toContent(bytesOf(text));
    if (content.kind !== "text") throw new Error(`it is taken for ${content.kind}`);
    expect(content.text).not.toContain("\r");
    expect(toBytes(content.text, content.lineEnd)).toEqual(bytesOf(text));
  },
);

test.each([
  ["a\r\nb\n", "read-only"],
  ["a\rb", "read-only"],
  ["a\0b", "binary"],
])("%j is %s", (text, kind) => expect(toContent(bytesOf(text)).kind).toBe(kind));

test("bytes that are no UTF-8 are no text, and images are known by their first bytes", () => {
  expect(toContent(Uint8Array.of(0x61, 0xff)).kind).toBe("binary");
  expect(toContent(Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d))).toEqual({ kind: "image", type: "image/png" });
  expect(toContent(bytesOf("RIFF1234WEBPVP8 "))).toEqual({ kind: "image", type: "image/webp" });
});

test("a path is taken apart and put together, and stands in an address as it is", () => {
  expect([joinPath("", "a"), joinPath("a", "b"), parentOf("a/b/c"), parentOf("a"), nameOf("a/b")]).toEqual(["a", "a/b", "a/b", "", "b"]);
  expect(toSteps("a/b")).toEqual([
    { name: "a", path: "a" },
    { name: "b", path: "a/b" },
  ]);
  expect(toFileUrl("agent:main:main", "a b/#?%2e.txt")).toBe("/v1/sessions/agent%3Amain%3Amain/files/a%20b/%23%3F%252e.txt");
  expect(["a/n.tar.gz", ".env", "Makefile"].map((path) => toOtherName(path, "mine"))).toEqual([
    "a/n.tar (mine).gz",
    ".env (mine)",
    "Makefile (mine)",
  ]);
});

test.each([
  ["\u001b[1;31mred\u001b[0m plain", "red plain"],
  ["\u001b]0;title\u0007a\u001b]8;;http://x\u001b\\link\u001b]8;;\u001b\\", "alink"],
  ["10%\r50%\r100%\ndone\r\n", "100%\ndone\n"],
  ["\u001b(B\u001b=x\u001b7", "x"],
  ["half \u001b[3", "half "],
])("output %j is shown as %j", (given, shown) => expect(toPlainOutput(given)).toBe(shown));

test("what the page does to a process is a command: of a sandbox's on the command line, of the host's over HTTP", () => {
  const place = { sessionKey: "agent:main:main", id: "0123456789abcdef", sandboxed: true, origin: "http://127.0.0.1:18789" };
  const at = "openclaw sandbox processes";
  expect(toProcessCommand(place, { kind: "line", text: "it's" })).toBe(`${at} write agent:main:main 0123456789abcdef 'it'\\''s'`);
  expect(toProcessCommand(place, { kind: "line", text: "" })).toBe(`${at} write agent:main:main 0123456789abcdef ''`);
  expect(toProcessCommand(place, { kind: "line", text: "--end" })).toBe(`${at} write agent:main:main 0123456789abcdef -- --end`);
  expect(toProcessCommand(place, { kind: "end" })).toBe(`${at} write agent:main:main 0123456789abcdef --end`);
  expect(toProcessCommand(place, { kind: "signal", name: "TERM" })).toBe(`${at} kill agent:main:main 0123456789abcdef --signal TERM`);
  const onHost = { ...place, sandboxed: false };
  const curl = 'curl -H "Authorization: Bearer $OPENCLAW_GATEWAY_TOKEN" --json';
  const url = "http://127.0.0.1:18789/v1/sessions/agent%3Amain%3Amain/processes/0123456789abcdef";
  expect(toProcessCommand(onHost, { kind: "line", text: "hi" })).toBe(`${curl} '{"data":"aGkK","end":false}' ${url}/stdin`);
  expect(toProcessCommand(onHost, { kind: "end" })).toBe(`${curl} '{"end":true}' ${url}/stdin`);
  expect(toProcessCommand(onHost, { kind: "signal", name: "KILL" })).toBe(`${curl} '{"signal":"KILL"}' ${url}/kill`);
});

test("what would be pruned is counted by kind, with what it takes as far as that is known", () => {
  const object = (kind: UnownedObject["kind"], size: UnownedObject["size"] = null): UnownedObject => {
    return { kind, name: "x", because: "", fate: "removable", size };
  };
  expect(countUnowned([])).toBe("");
  expect(countUnowned([object("workspace", { bytes: 2_048, complete: true }), object("container")])).toBe(
    "1 container, 1 workspace (2 KiB)",
  );
  const halfMeasured = [object("volume", { bytes: 1_024, complete: true }), object("volume", { bytes: 1_024, complete: false })];
  expect(countUnowned(halfMeasured)).toBe("2 volumes (at least 2 KiB)");
});

test("a browser is that of the sessions of its scope which asked for one", () => {
  const session = { key: "agent:main:talk", agentId: "main", sandboxed: true, endedAt: null, browserUsedAt: 1 };
  const spec = (scope: string, scopeKey: string, agentId: string | null, kind = "browser") =>
    ({ scope, scopeKey, agentId, kind }) as unknown as Sandbox["spec"];
  expect(hasBrowser(session, spec("session", "agent:main:talk", "main"))).toBe(true);
  expect(hasBrowser(session, spec("session", "agent:main:main", "main"))).toBe(false);
  expect(hasBrowser(session, spec("agent", "agent:main", "main"))).toBe(true);
  expect(hasBrowser(session, spec("agent", "agent:main", "main", "tools"))).toBe(false);
  expect(hasBrowser({ ...session, browserUsedAt: null }, spec("agent", "agent:main", "main"))).toBe(false);
  expect(hasBrowser({ ...session, endedAt: 1 }, spec("shared", "shared", null))).toBe(false);
});

test("a session is in the sandbox of its scope, and in none once it has ended or where its tools run on the host", () => {
  const session = { key: "agent:main:talk", agentId: "main", sandboxed: true, endedAt: null };
  const spec = (scope: string, scopeKey: string, agentId: string | null, kind = "tools") =>
    ({ scope, scopeKey, agentId, kind }) as unknown as Sandbox["spec"];
  expect(isSessionIn(session, spec("session", "agent:main:talk", "main"))).toBe(true);
  expect(isSessionIn(session, spec("session", "agent:main:main", "main"))).toBe(false);
  expect(isSessionIn(session, spec("agent", "agent:main", "main"))).toBe(true);
  expect(isSessionIn(session, spec("agent", "agent:other", "other"))).toBe(false);
  expect(isSessionIn(session, spec("shared", "shared", null))).toBe(true);
  expect(isSessionIn(session, spec("shared", "shared", null, "browser"))).toBe(false);
  expect(isSessionIn({ ...session, endedAt: 1 }, spec("shared", "shared", null))).toBe(false);
  expect(isSessionIn({ ...session, sandboxed: false }, spec("shared", "shared", null))).toBe(false);
});

test.each([
  ["a/b.txt", null],
  ["...", null],
  ["a/", "A name ends without a slash."],
  ["a/../b", "A name is neither . nor .."],
  [".", "A name is neither . nor .."],
  ["a\0b", "A name can't hold NUL."],
])("a path %j is refused with %j", (path, problem) => {
  expect(findPathProblem(path)).toBe(problem);
});
