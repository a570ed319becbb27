import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { OutputTail, withRemark } from "./output-tail.ts";

describe("what is kept of a long output", () => {
  it("is its beginning and its end, and how much is left out", () => {
    const tail = new OutputTail({ headBytesMax: 4, tailBytesMax: 3 });
    for (const chunk of ["abc", "defg", "hij", "klmnop"]) tail.push(Buffer.from(chunk));
    expect(tail.toText()).toBe("abcd\n[... 9 bytes left out ...]\nnop");
    expect([tail.bytes, tail.droppedBytes]).toEqual([16, 9]);
  });

  it("is everything when it is short, however it came", () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 20 }),
        fc.nat(50),
        fc.integer({ min: 1, max: 50 }),
        (chunks, head, last) => {
          const tail = new OutputTail({ headBytesMax: head, tailBytesMax: last });
          for (const chunk of chunks) tail.push(Buffer.from(chunk));
          const all = Buffer.concat(chunks);
          expect(tail.bytes).toBe(all.length);
          expect(tail.droppedBytes).toBe(Math.max(0, all.length - head - last));
          const text =
            all.length <= head + last
              ? all.toString("utf8")
              : `${all.subarray(0, head).toString("utf8")}\n[... ${all.length - head - last} bytes left out ...]\n${all.subarray(all.length - last).toString("utf8")}`;
          expect(tail.toText()).toBe(text);
        },
      ),
    );
  });

  it("has our remark on a line of its own", () => {
    expect([withRemark("", "x"), withRemark("a", "x"), withRemark("a\n", "x")]).toEqual(["(x)", "a\n(x)", "a\n(x)"]);
  });
});
