import fc from "fast-check";
import { expect, onTestFinished, test, vi } from "vitest";
import type { ToolEvent } from "../tools/tool-port.ts";
import { ProgressLine } from "./progress-line.ts";

const ESC = "\x1b";

/** What a client is told when it can take each. */
async function toldOf(...events: ToolEvent[]): Promise<string[]> {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  onTestFinished(() => void vi.useRealTimers());
  const told: string[] = [];
  const line = new ProgressLine(async (_, message) => void told.push(message));
  for (const event of events) {
    await line.tell(event);
    await vi.advanceTimersByTimeAsync(500);
  }
  line.end();
  vi.useRealTimers();
  return told;
}

const stdout = (text: string): ToolEvent => ({ kind: "stdout", chunk: Buffer.from(text) });

test.each([
  ["a bar that is drawn over itself", [`${ESC}[2K\rLoading  10%`, `${ESC}[2K\rLoading  20%`], ["Loading  10%", "Loading  20%"]],
  ["a bar that ends each state with CR", ["10%\r", "20%\r", "done\r\n"], ["10%", "20%", "done"]],
  ["colours, titles and links", [`${ESC}]0;title\x07${ESC}[1;32mok${ESC}[0m ${ESC}]8;;http://a\x07b${ESC}]8;;\x07\n`], ["ok b"]],
  ["one-byte sequences and other controls", ["\u009b31mred\u009b0m\x07\x00 \x7fx\n"], ["red x"]],
  ["backspaces", ["10%\b\b\b20%"], ["20%"]],
  ["tabs and blank lines", ["one\ttwo\n\n  \n"], ["one two"]],
  ["what turns text around or can't be seen", ["a\u202eb\u2066c\u200bd\u2028e\n"], ["abcde"]],
  ["a line in pieces", ["com", "pil", "ing\n", "next"], ["com", "compil", "compiling", "next"]],
  ["a sequence and a character in two pieces", [`10%${ESC}[3`, `1mre\xc3`, "d"], ["10%", "10%re\u00c3", "10%re\u00c3d"]],
])("is plain text of the newest state: %s", async (_, pieces, told) => {
  expect(await toldOf(...pieces.map(stdout))).toEqual(told);
});

test("is whole characters of a line that comes cut within one", async () => {
  const bytes = Buffer.from("größe");
  const events = [...bytes].map((byte): ToolEvent => ({ kind: "stderr", chunk: Buffer.from([byte]) }));
  expect(await toldOf(...events)).toEqual(["g", "gr", "gr", "grö", "grö", "größ", "größe"]);
});

test("is at most 200 characters: the end of output, the beginning of news", async () => {
  const [output = "", news = ""] = await toldOf(stdout(`${"a".repeat(100_000)}end`), {
    kind: "progress",
    message: `Begin${"b".repeat(900)}`,
  });
  expect([output.length, news.length]).toEqual([200, 200]);
  expect([output.endsWith("aend"), news.startsWith("Beginb")]).toEqual([true, true]);
});

test("never holds a control character, whatever the output, in whatever pieces", async () => {
  const piece = fc.oneof(
    fc.constantFrom("\r", "\n", "\b", ESC, `${ESC}[`, `${ESC}[2K`, "31m", `${ESC}]0;`, "\x07", "\u009b", "\u202e", "é", "😀", "10%"),
    fc.string(),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 12 }), async (pieces) => {
      for (const message of await toldOf(...pieces.map(stdout), { kind: "progress", message: pieces.join("") })) {
        expect(message).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
        expect(message).toBe(message.trim());
        expect(message.isWellFormed()).toBe(true);
      }
    }),
    { numRuns: 200 },
  );
});
