// Files and output as the work pages show them: nothing is lost between bytes and a field, and terminals' codes are no text.
import { expect, test } from "vitest";
import { toBytes, toContent } from "./file-content.ts";
import { joinPath, nameOf, parentOf, toFileUrl, toOtherName, toSteps } from "./paths.ts";
import { toPlainOutput } from "./plain-output.ts";

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
