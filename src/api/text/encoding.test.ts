// Text that is not all UTF-8: as a string and back it is the same bytes, and each bad one is shown and found.
// What tools do with it is text-edit.test.ts and patch.test.ts.
import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeText, encodeText, findBadBytes, isText, toShownText } from "./encoding.ts";
import { mixedBytes } from "./text.fixture.ts";

test("any bytes come back as they were", () => {
  fc.assert(
    fc.property(fc.oneof(mixedBytes, fc.uint8Array({ maxLength: 40 })), (bytes) => {
      const data = Buffer.from(bytes);
      expect(encodeText(decodeText(data))).toEqual(data);
    }),
  );
});

test("a long text whose pieces end within pairs comes back as it was", () => {
  const data = Buffer.concat([Buffer.from("x"), Buffer.from("😀".repeat(100_000)), Buffer.of(0xe9), Buffer.from("ü".repeat(10))]);
  expect(encodeText(decodeText(data)).equals(data)).toBe(true);
});

test("one bad byte is shown as U+FFFD and found where it is, also in a character that is cut off, too long or half of a pair", () => {
  for (const bad of [[0xe9], [0xd0], [0xc0], [0xed, 0xa0, 0x80], [0xf5], [0xe2, 0x82], [0xf0, 0x80, 0x80, 0x80]]) {
    const data = Buffer.concat([Buffer.from("aü"), Buffer.from(bad), Buffer.from("b")]);
    expect(toShownText(decodeText(data))).toBe(`aü${"\ufffd".repeat(bad.length)}b`);
    expect(findBadBytes(data)).toEqual({ count: bad.length, offsets: bad.map((_, at) => 3 + at) });
  }
});

test("a text with a few bad bytes is a text; what has NUL, or many of them, is none", () => {
  expect([
    isText(Buffer.from("caf\xe9 one\ntwo\n", "latin1")),
    isText(Buffer.from("строка").subarray(0, 11)),
    isText(Buffer.from("😀").subarray(0, 3)),
    isText(Buffer.from("Grüße aus Köln\nÖl fürs Rührgerät\n", "latin1")),
    isText(Buffer.alloc(0)),
  ]).toEqual([true, true, true, true, true]);
  const picture = Buffer.concat([Buffer.from("ÿØÿà\x10JFIF\x01", "latin1"), Buffer.from("kÿzäq÷".repeat(40), "latin1")]);
  expect([isText(Buffer.from("a\0b")), isText(Buffer.from(Array.from({ length: 60 }, (_, at) => 0x80 + at))), isText(picture)]).toEqual([
    false,
    false,
    false,
  ]);
});
