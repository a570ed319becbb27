// What counts as a token that nobody can guess, and what as a password.
import { randomBytes, randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { estimateBits, TOKEN_BITS_MIN } from "./secret-strength.ts";

const isToken = (secret: string): boolean => estimateBits(secret) >= TOKEN_BITS_MIN;

describe("a secret", () => {
  test.each([
    ["32 hex digits", () => randomBytes(16).toString("hex")],
    ["64 hex digits in upper case", () => randomBytes(32).toString("hex").toUpperCase()],
    ["22 characters of base64url", () => randomBytes(16).toString("base64url")],
    ["base64 with its padding", () => randomBytes(16).toString("base64")],
    ["a UUID", () => randomUUID()],
  ])("that a program makes as %s is always a token", (_, make) => {
    expect(Array.from({ length: 2_000 }, make).filter((secret) => !isToken(secret))).toEqual([]);
  });

  test.each([
    "",
    "hunter2",
    "letmein-letmein",
    "31 hex digits: 0123456789abcdef0123456789abcde".slice(15),
    randomBytes(15).toString("hex"),
    randomBytes(12).toString("base64url"),
    "12345678901234567890123456789012345678",
    "a".repeat(200),
    "abababababababababababababababababab",
    "correct horse battery staple and so on and on",
    "größengrößengrößengrößengrößengrößen",
  ])("such as %j is a password", (secret) => expect(isToken(secret)).toBe(false));
});
