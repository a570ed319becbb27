// Every file that is decoded comes back as the same bytes, in its own encoding.
import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeFile } from "./decoded-file.ts";

test("whatever UTF-16 a file holds, halves of characters too, its bytes come back", () => {
  fc.assert(
    fc.property(fc.oneof(fc.uint16Array(), fc.constant(Uint16Array.from([0]))), fc.boolean(), (units, isBig) => {
      const data = Buffer.alloc(2 + units.length * 2);
      for (const [at, unit] of [0xfeff, ...units].entries()) isBig ? data.writeUInt16BE(unit, at * 2) : data.writeUInt16LE(unit, at * 2);
      const file = decodeFile(data);
      if (!isBig && units[0] === 0) {
        expect(file).toBe(null); // two bytes of zero behind the mark are UTF-32's
      } else {
        expect(file?.encoding).toBe(isBig ? "UTF-16BE" : "UTF-16LE");
        expect(file?.encode(file.text).equals(data)).toBe(true);
      }
    }),
  );
});

test("a mark alone makes no text: half a unit, a program and UTF-32 are none", () => {
  for (const bytes of ["\xff\xfea\0b", "\x7fELF\0\0\xff\xfe", "\xff\xfe\0\0a\0\0\0"])
    expect(decodeFile(Buffer.from(bytes, "latin1"))).toBe(null);
  expect(decodeFile(Buffer.from("text"))?.encoding).toBe("UTF-8");
});
