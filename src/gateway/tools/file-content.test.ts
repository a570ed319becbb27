// Whatever a caller sends as content arrives as its bytes, and is counted before it is made.
import { buffer } from "node:stream/consumers";
import fc from "fast-check";
import { expect, test } from "vitest";
import { CONTENT_LENGTH_MAX, toUpload } from "./file-content.ts";

const bytesOf = async ({ content }: ReturnType<typeof toUpload>): Promise<Buffer> => await buffer(content);

test("text arrives as UTF-8, whatever is in it and wherever it is cut", async () => {
  const texts = fc.tuple(fc.string({ unit: "binary" }), fc.nat({ max: 3 }));
  await fc.assert(
    fc.asyncProperty(texts, async ([text, pad]) => {
      const content = `${"x".repeat(65_533 + pad)}${text}\u{1f600}`.repeat(2);
      const upload = toUpload(content, "utf8");
      const bytes = await bytesOf(upload);
      expect([bytes.equals(Buffer.from(content, "utf8")), bytes.length]).toEqual([true, upload.bytes]);
    }),
    { numRuns: 100 },
  );
});

test("base64 arrives as the bytes that it stands for, and nothing else passes for it", async () => {
  for (const length of [0, 1, 2, 3, 49_151, 49_152, 49_153, 200_000]) {
    const data = Buffer.alloc(length, "\x00\xff\x7f", "latin1");
    const upload = toUpload(data.toString("base64"), "base64");
    expect([(await bytesOf(upload)).equals(data), upload.bytes]).toEqual([true, length]);
  }
  for (const content of ["A", "AAA", "AA=A", "=AAA", "A===", "AA A", "AAA\n", `${"A".repeat(65_535)}=AAAA`])
    expect(() => toUpload(content, "base64"), content.slice(-8)).toThrow("not base64");
});

test("the largest file passes as base64", () => {
  expect(toUpload("A".repeat(CONTENT_LENGTH_MAX), "base64").bytes).toBeGreaterThanOrEqual(67_108_864);
});
