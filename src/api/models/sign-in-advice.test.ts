// What a person is told about sign-ins that are not well.
import { expect, test } from "vitest";
import { judgeSignIns } from "./sign-in-advice.ts";
import type { ProfileStatus } from "./stored-secret.ts";

const READY: ProfileStatus = {
  ...{ id: "openai:default", provider: "openai", kind: "oauth", state: "ready", because: null, fix: null },
  ...{ email: null, expiresAt: null, clockBehindMs: 800, updatedAt: 0 },
};

test("nothing of what is ready, with a clock that is right", () => {
  expect(judgeSignIns([READY, { ...READY, clockBehindMs: null }])).toEqual([]);
});

test("each that is of no use or ends soon, with its fix", () => {
  const refused: ProfileStatus = {
    ...READY,
    state: "refused",
    because: "the server says invalid_grant",
    fix: "openclaw models auth login",
  };
  expect(judgeSignIns([READY, refused, { ...READY, state: "expiring", because: "it expires within a day" }])).toEqual([
    { message: "openai:default is refused: the server says invalid_grant", fix: "openclaw models auth login" },
    { message: "openai:default is expiring: it expires within a day", fix: "openclaw models auth list" },
  ]);
});

test.each([
  [7 * 60_000, "7 minutes behind"],
  [-86_400_000, "1440 minutes ahead of"],
])("a clock that is off by %i ms, once", (clockBehindMs, words) => {
  const advice = judgeSignIns([
    { ...READY, clockBehindMs },
    { ...READY, clockBehindMs },
  ]);
  expect(advice).toEqual([{ message: expect.stringContaining(words), fix: expect.stringContaining("clock") }]);
});
