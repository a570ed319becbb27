// Nothing that a stranger wrote reaches the page as it is: neither as text nor as what is read out, however it is handed over.
import { expect, test } from "vitest";
import { toSafeProps } from "./jsx-runtime.ts";

const HOSTILE = "a\u202eb\u200b\u001b[31mc";
const SAFE = "a\\u202eb\\u200b\\x1b[31mc";

test("text of an element, alone or between others, is made harmless", () => {
  expect(toSafeProps({ children: HOSTILE }).children).toBe(SAFE);
  expect(toSafeProps({ children: ["name: ", HOSTILE, 3, null, { type: "b" }] }).children).toEqual(["name: ", SAFE, 3, null, { type: "b" }]);
});

test("what is shown on hovering or read out is made harmless, what a field holds stays as it is", () => {
  expect(toSafeProps({ title: HOSTILE, "aria-label": HOSTILE, value: HOSTILE, id: "a" })).toEqual({
    title: SAFE,
    "aria-label": SAFE,
    value: HOSTILE,
    id: "a",
  });
});

test("lines and tabs stay, and so does every language", () => {
  const text = "één\tзаголовок\n見出し 👍️";
  expect(toSafeProps({ children: text }).children).toBe(text);
});
