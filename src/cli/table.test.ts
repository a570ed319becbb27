// Tables of what strangers named, and in terminals of any width.
import { expect, test } from "vitest";
import { renderTable } from "./table.ts";

const widest = (text: string): number => Math.max(...text.split("\n").map((line) => line.length));
const NAME = "openclaw-sbx-agent-main-0f3c2a91";

test("a cell of strangers makes no line and no colour of its own", () => {
  expect(renderTable(["NAME"], [["a\nb\u001b[0m\u2028c"]])).toBe("NAME\na b\\x1b[0m\\u2028c\n");
});

test("what takes two columns of the terminal counts as two", () => {
  expect(renderTable(["NAME", "X"], [["日本語", "1"]])).toBe("NAME    X\n日本語  1\n");
});

test("columns that may go are left out until it fits, those without a value first", () => {
  const head = ["NAME", "AGE", "UNTIL"];
  const rows = [[NAME, "1h", "-"]];
  const optional = ["AGE", "UNTIL"];
  expect(renderTable(head, rows, { width: 80, optional })).toContain("AGE  UNTIL");
  expect(renderTable(head, rows, { width: 40, optional })).toBe(`NAME${" ".repeat(28)}  AGE\n${NAME}  1h\n`);
  expect(renderTable(head, rows, { width: 35, optional })).toBe(`NAME\n${NAME}\n`);
});

test("sentences are wrapped below their beginning, and no word is lost or cut", () => {
  const message = "the image openclaw-sandbox:bookworm-slim is not there, so that no container can be made of it";
  const table = renderTable(["NAME", "MESSAGE", "N"], [[NAME, message, "1"]], { width: 80 });
  expect(widest(table)).toBeLessThanOrEqual(80);
  expect(table.split("\n")[1]).toMatch(/^openclaw-sbx-agent-main-0f3c2a91 {2}the image .* 1$/);
  expect(table.split("\n")[2]).toMatch(/^ {34}\S/);
  expect(table.split(/\s+/).toSorted()).toEqual(["", "1", "MESSAGE", "N", "NAME", NAME, ...message.split(" ")].toSorted());
});

test("a long word in the last column sticks out, and the table stays one", () => {
  const path = `/home/person/.openclaw/sandboxes/${"n".repeat(60)}`;
  expect(renderTable(["AGE", "MESSAGE"], [["12s", `prepare ${path} (wanted)`]], { width: 60 })).toBe(
    `AGE  MESSAGE\n12s  prepare\n     ${path}\n     (wanted)\n`,
  );
});

test.each([1, 20, 40, 60, 80, 200])("in %i columns every line fits, or is a word by itself that does not", (width) => {
  const cells = [NAME, "agent:main:a-rather-long-session", "what it is and why, in a sentence of some length", "-"];
  const text = renderTable(["NAME", "KEY", "WHY", "NONE"], [cells, cells], { width, optional: ["NONE"] });
  for (const line of text.split("\n").filter((one) => one.length > width)) expect(line).toMatch(/^(?:[A-Z]* +)?\S+$/);
  for (const word of cells.slice(0, 3).flatMap((cell) => cell.split(" "))) expect(text).toContain(word);
});
