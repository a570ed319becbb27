// Output as text, cut anywhere: together the pieces are what decoding all of it gives, and each is UTF-8 by itself.
// What an event around it looks like is app.test.ts.
import { isUtf8 } from "node:buffer";
import fc from "fast-check";
import { expect, test } from "vitest";
import { TextPieces } from "./text-pieces.ts";

test("output that is cut anywhere, also where it is no UTF-8, becomes the text that it is as a whole, and no piece ends within a character", () => {
  const text = fc.string({ unit: "binary", maxLength: 6 }).map((string) => Buffer.from(string));
  const bytes = fc.uint8Array({ maxLength: 4 }).map((array) => Buffer.from(array));
  const output = fc.array(fc.oneof(text, bytes), { maxLength: 8 }).map((parts) => Buffer.concat(parts));
  fc.assert(
    fc.property(output, fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 60 }), (whole, lengths) => {
      const pieces = new TextPieces();
      const taken: Buffer[] = [];
      let at = 0;
      for (const length of [...lengths, whole.length]) {
        taken.push(pieces.take(whole.subarray(at, at + length)));
        at += length;
      }
      taken.push(pieces.end());
      expect(taken.every((piece) => isUtf8(piece))).toBe(true);
      expect(Buffer.concat(taken).toString("utf8")).toBe(whole.toString("utf8"));
    }),
    { numRuns: 500 },
  );
});
