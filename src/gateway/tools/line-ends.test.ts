// What `edit` and `apply_patch` do to files as they are found: line ends of both kinds, a byte order mark, bytes that are no UTF-8.
// Other things about them are text-edit.test.ts and patch.test.ts.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeText, encodeText, toShownText } from "../../api/text/encoding.ts";
import { type FileLine, fileLines, mark, toBytes } from "../../api/text/text.fixture.ts";
import { parsePatch } from "./patch.ts";
import { applyHunks } from "./patch-apply.ts";
import { applyEdits } from "./text-edit.ts";

const end = fc.constantFrom("\n" as const, "\r\n" as const);

function patch(data: Buffer, hunk: readonly string[]): Buffer {
  const [file] = parsePatch(["*** Begin Patch", "*** Update File: f", "@@", ...hunk, "*** End Patch"].join("\n"));
  if (file?.kind !== "update") throw new Error("no update");
  return encodeText(applyHunks(decodeText(data), file.hunks, "f"));
}

const edit = (data: Buffer, oldText: string, newText: string, all = false): Buffer =>
  encodeText(applyEdits(decodeText(data), [{ oldText, newText, all }]));

const line = (text: string, lineEnd: FileLine["end"]): FileLine => ({ bytes: Buffer.from(text), end: lineEnd });
const shown = ({ bytes }: FileLine): string => toShownText(decodeText(bytes));
const isClosed = (lines: readonly FileLine[]): boolean => lines.at(-1)?.end !== "";

describe("edits of any file", () => {
  it("leave every byte outside of the change as it was, whatever line ends the edit has", () => {
    fc.assert(
      fc.property(mark, fileLines, fileLines, fc.tuple(end, end, end, end), (begin, before, after, [first, second, ofOld, ofNew]) => {
        fc.pre(isClosed(before));
        const file = [...before, line("<1>", first), line("<2>", second), ...after];
        const result = edit(Buffer.concat([begin, toBytes(file)]), `<1>${ofOld}<2>`, `<1>${ofNew}new${ofNew}<2>`);
        const expected = [...before, line("<1>", first), line("new", first), line("<2>", second), ...after];
        expect(result).toEqual(Buffer.concat([begin, toBytes(expected)]));
      }),
    );
  });

  it("give new lines in a line the end of that line, and the last line that of the one before", () => {
    expect(edit(Buffer.from("a\nb\r\nc"), "b", "b1\nb2").toString()).toBe("a\nb1\r\nb2\r\nc");
    expect(edit(Buffer.from("a\r\nb"), "b", "b1\nb2").toString()).toBe("a\r\nb1\r\nb2");
    expect(edit(Buffer.from("b"), "b", "b1\r\nb2").toString()).toBe("b1\r\nb2");
    expect(edit(Buffer.from("x\r\ny\nx\r\ny\n"), "x", "x\nz", true).toString()).toBe("x\r\nz\r\ny\nx\r\nz\r\ny\n");
  });

  it("take LF and CRLF for the same, prefer what is exactly so, and change line ends where nothing else is asked for", () => {
    expect(edit(Buffer.from("a\nb\n"), "a\r\nb", "A\r\nB").toString()).toBe("A\nB\n");
    expect(edit(Buffer.from("a\r\nb\na\nb\n"), "a\nb", "c").toString()).toBe("a\r\nb\nc\n");
    expect(() => edit(Buffer.from("a\r\nb\r\na\r\nb\r\n"), "a\nb", "c")).toThrow("more than once");
    expect(edit(Buffer.from("a\r\nb\r\n"), "\r\n", "\n", true).toString()).toBe("a\nb\n");
    expect(edit(Buffer.from("a\r\nb\r\nc"), "\nb", "").toString()).toBe("a\r\nc");
    expect(edit(Buffer.from("\r\na"), "\n", "-").toString()).toBe("-a");
  });

  it("are told that a byte which is no text can't be named, and find what stands behind a mark", () => {
    const bad = Buffer.from("caf\xe9 one\n", "latin1");
    expect(() => edit(bad, "caf\ufffd", "cafe")).toThrow("the text is not in the file");
    expect(edit(bad, " one", " two")).toEqual(Buffer.from("caf\xe9 two\n", "latin1"));
    expect(edit(Buffer.from("\ufeffa\n"), "a", "b").toString()).toBe("\ufeffb\n");
    expect(edit(Buffer.from("a\n"), "\ufeffa", "\ufeffb").toString()).toBe("b\n");
  });
});

describe("patches of any file", () => {
  it("replace any line and leave all others as they were, with their ends, the mark and the bytes that are no text", () => {
    fc.assert(
      fc.property(mark, fileLines, fc.nat(), (begin, lines, chosen) => {
        fc.pre(lines.length > 0);
        const at = chosen % lines.length;
        const hunk = lines.flatMap((each, index) => (index === at ? [`-${shown(each)}`, "+new"] : [` ${shown(each)}`]));
        const expected = lines.map((each, index) => (index === at ? line("new", each.end) : each));
        expect(patch(Buffer.concat([begin, toBytes(lines)]), hunk)).toEqual(Buffer.concat([begin, toBytes(expected)]));
      }),
    );
  });

  it("remove any line, and nothing else", () => {
    fc.assert(
      fc.property(mark, fileLines, fc.nat(), (begin, lines, chosen) => {
        fc.pre(lines.length > 0);
        const at = chosen % lines.length;
        const hunk = lines.map((each, index) => `${index === at ? "-" : " "}${shown(each)}`);
        expect(patch(Buffer.concat([begin, toBytes(lines)]), hunk)).toEqual(Buffer.concat([begin, toBytes(lines.toSpliced(at, 1))]));
      }),
    );
  });

  it("add a line anywhere: it has the end of the line before, and a file without a newline at its end has none after", () => {
    fc.assert(
      fc.property(mark, fileLines, fc.nat(), (begin, lines, chosen) => {
        fc.pre(lines.length > 0);
        const at = chosen % lines.length;
        const hunk = lines.flatMap((each, index) => [` ${shown(each)}`, ...(index === at ? ["+new"] : [])]);
        const isLast = lines[at]?.end === "";
        const ends = lines.map((each, index) => (index === at && isLast ? { ...each, end: lines[at - 1]?.end ?? ("\n" as const) } : each));
        const expected = ends.toSpliced(at + 1, 0, line("new", lines[at]?.end ?? ""));
        expect(patch(Buffer.concat([begin, toBytes(lines)]), hunk)).toEqual(Buffer.concat([begin, toBytes(expected)]));
      }),
    );
  });

  it("that have CRLF themselves or a mark in their lines mean the same", () => {
    expect(patch(Buffer.from("a\nb\n"), ["-a\r", "+c\r"]).toString()).toBe("c\nb\n");
    expect(patch(Buffer.from("\ufeffa\r\n"), ["-\ufeffa", "+\ufeffb"]).toString()).toBe("\ufeffb\r\n");
    expect(patch(Buffer.alloc(0), ["+a", "+b"]).toString()).toBe("a\nb\n");
    expect(patch(Buffer.from("a"), ["-a", "+b", "+c"]).toString()).toBe("b\nc");
  });
});
