// Files as they are found: lines with ends of all kinds, a byte order mark, bytes that are no UTF-8, no newline at the end.
// What is expected of them is the tests'.
import fc from "fast-check";

const BAD = [[0xe9], [0xff], [0xd0], [0xe2, 0x82]].map((bytes) => Buffer.from(bytes));
const word = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.string({ unit: fc.constantFrom("a", "b", " ", "ü", "日", "😀"), maxLength: 6 }).map((text) => Buffer.from(text)),
  },
  { weight: 1, arbitrary: fc.constantFrom(...BAD) },
);
/** Without a line end. */
const line = fc.array(word, { maxLength: 3 }).map((words) => Buffer.concat(words));

export interface FileLine {
  bytes: Buffer;
  end: "\n" | "\r\n" | "";
}

/** The last line has no end, or is a line as the others. */
export const fileLines: fc.Arbitrary<FileLine[]> = fc
  .tuple(fc.array(fc.record({ bytes: line, end: fc.constantFrom("\n" as const, "\r\n" as const) }), { maxLength: 8 }), fc.boolean())
  .map(([lines, isOpen]) =>
    lines.map((each, at) => (isOpen && at === lines.length - 1 && each.bytes.length > 0 ? { ...each, end: "" as const } : each)),
  );

export const toBytes = (lines: readonly FileLine[]): Buffer => Buffer.concat(lines.flatMap(({ bytes, end }) => [bytes, Buffer.from(end)]));

export const mark: fc.Arbitrary<Buffer> = fc.constantFrom(Buffer.alloc(0), Buffer.from("\ufeff"));

export const mixedBytes: fc.Arbitrary<Uint8Array> = fc
  .tuple(mark, fileLines)
  .map(([begin, lines]) => Buffer.concat([begin, toBytes(lines)]));
