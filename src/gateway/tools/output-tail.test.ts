import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { OutputTail, withRemark } from "./output-tail.ts";

function tailOf(chunks: readonly Uint8Array[], headBytesMax: number, tailBytesMax: number): OutputTail {
  const tail = new OutputTail({ headBytesMax, tailBytesMax });
  for (const chunk of chunks) tail.push(Buffer.from(chunk));
  return tail;
}

describe("what is kept of a long output", () => {
  it("is its beginning and its end, and how much is left out", () => {
    const tail = new OutputTail({ headBytesMax: 4, tailBytesMax: 3 });
    for (const chunk of ["abc", "defg", "hij", "klmnop"]) tail.push(Buffer.from(chunk));
    expect(tail.toText()).toBe("abcd\n[... 9 bytes left out ...]\nnop");
    expect([tail.bytes, tail.droppedBytes]).toEqual([16, 9]);
  });

  it("is everything when it is short, however it came, and else as much as there may be", () => {
    const plain = fc.uint8Array({ maxLength: 20, max: 0x7f }).map((chunk) => chunk.map((byte) => (byte === 0x1b ? 0 : byte)));
    fc.assert(
      fc.property(fc.array(plain, { maxLength: 20 }), fc.nat(50), fc.integer({ min: 1, max: 50 }), (chunks, head, last) => {
        const all = Buffer.concat(chunks);
        const tail = tailOf(chunks, head, last);
        expect([tail.bytes, tail.droppedBytes]).toEqual([all.length, Math.max(0, all.length - head - last)]);
        const text =
          all.length <= head + last
            ? all.toString("utf8")
            : `${all.subarray(0, head)}\n[... ${all.length - head - last} bytes left out ...]\n${all.subarray(all.length - last)}`;
        expect(tail.toText()).toBe(text);
      }),
    );
  });

  it("is cut between characters and escape sequences, and says how much is left out then", () => {
    const signs = fc.constantFrom("a", "\n", "日", "😀", "\u001b[38;5;196m", "\u001b]8;;http://x\u0007");
    fc.assert(
      fc.property(fc.array(signs, { maxLength: 80 }), fc.nat(50), fc.integer({ min: 1, max: 50 }), fc.nat(9), (parts, head, last, size) => {
        const all = Buffer.from(parts.join(""));
        const chunks = Array.from({ length: Math.ceil(all.length / (size + 1)) }, (_, at) =>
          all.subarray(at * (size + 1), (at + 1) * (size + 1)),
        );
        const tail = tailOf(chunks, head, last);
        const [begin = "", count, end = ""] = tail.toText().split(/\n\[\.\.\. (\d+) bytes left out \.\.\.\]\n/);
        expect(Number(count ?? 0)).toBe(tail.droppedBytes);
        expect(Buffer.byteLength(begin) + tail.droppedBytes + Buffer.byteLength(end)).toBe(all.length);
        const places = Array.from({ length: parts.length + 1 }, (_, at) => parts.slice(0, at).join(""));
        expect(places).toContain(begin);
        expect(places.map((place) => parts.join("").slice(place.length))).toContain(end);
      }),
    );
  });

  it("has our remark on a line of its own", () => {
    expect([withRemark("", "x"), withRemark("a", "x"), withRemark("a\n", "x")]).toEqual(["(x)", "a\n(x)", "a\n(x)"]);
  });
});
