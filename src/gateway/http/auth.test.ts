// The gateway's secret as a pure rule: what counts as showing it. How guesses are slowed down over a socket is guessing.test.ts.
import { expect, test } from "vitest";
import { toEpochMs } from "../../api/brands.ts";
import { AddressLimits, type Credentials, judgeAuthorization } from "./auth.ts";

const SECRET = "correct horse battery staple";
const token: Credentials = { kind: "secret", mode: "token", secret: SECRET };
const password: Credentials = { ...token, mode: "password" };

test("only the whole secret lets in: no part of it, nothing around it, in no other case and by no other scheme", () => {
  expect(judgeAuthorization(`Bearer ${SECRET}`, token)).toBeNull();
  expect(judgeAuthorization(`bearer   ${SECRET}`, token)).toBeNull();
  const wrong = [SECRET.slice(0, -1), SECRET.slice(1), `${SECRET}x`, SECRET.toUpperCase(), SECRET.slice(0, 1), "undefined", "null"];
  expect(wrong.map((given) => judgeAuthorization(`Bearer ${given}`, token))).toEqual(wrong.map(() => "wrong"));
  const malformed = ["", SECRET, `Basic ${SECRET}`, "Bearer", "Bearer ", `Bearer${SECRET}`, `Bearer ${"x".repeat(5_000)}`];
  expect(malformed.map((header) => judgeAuthorization(header, token))).toEqual(malformed.map(() => "malformed"));
  expect(judgeAuthorization(undefined, token)).toBe("missing");
});

test("guesses at a password lock their network for a minute, whatever is shown then; a right one before that lets in", async () => {
  let now = 0;
  const limits = new AddressLimits({ now: () => toEpochMs(now), pause: async () => undefined });
  const show = (given: string) => limits.judge({ address: "203.0.113.9", isProxy: false }, `Bearer ${given}`, password);
  for (let guess = 0; guess < 9; guess += 1) expect(await show(`guess ${guess}`)).toBe("wrong");
  expect(await show(SECRET)).toBeNull();
  expect(await show("guess 9")).toBe("wrong");
  expect(await show(SECRET)).toBe("limited");
  now = 59_999;
  expect(await show(SECRET)).toBe("limited");
  now = 60_000;
  expect(await show(SECRET)).toBeNull();
});
