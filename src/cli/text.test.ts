// Tables of what strangers named.
import { expect, test } from "vitest";
import { renderTable } from "./text.ts";

test("a cell of strangers makes no line and no colour of its own", () => {
  expect(renderTable(["NAME"], [["a\nb\u001b[0m\u2028c"]])).toBe("NAME\na b\\x1b[0m\\u2028c\n");
});
