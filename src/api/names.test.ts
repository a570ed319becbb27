// Names are the same everywhere and for ever: a sandbox is found again by them.
import { expect, test } from "vitest";
import { toInstanceId, toScopeKey } from "./brands.ts";
import { toContainerName } from "./names.fixture.ts";
import { CONTAINER_NAME_LENGTH_MAX, CONTAINER_PREFIX_LENGTH_MAX, isLegacyName, toLegacySlug, toSlug } from "./names.ts";

const INSTANCE = toInstanceId("0123456789ab");

test.each([
  ["shared", "shared-ef2067a6b1e453a0", "shared-ef2067a6"],
  ["agent:main", "agent-main-223069ceb418bd6b", "agent-main-223069ce"],
  ["agent:main:a long Name, with Blanks", "agent-main-a-long-name-w-d6fac0dbc13f9007", "agent-main-a-long-name-with-blan-d6fac0db"],
  ["agent:main:../../etc/passwd", "agent-main-..-..-etc-pas-df41e56df4544cf7", "agent-main-..-..-etc-passwd-df41e56d"],
])("%s has the same slug in every release, and the one that it had before", (key, slug, legacy) => {
  expect([toSlug(INSTANCE, toScopeKey(key)), toLegacySlug(INSTANCE, toScopeKey(key))]).toEqual([slug, legacy]);
});

test("the hash is never cut off, and the longest prefix leaves room for it in a host name", () => {
  const key = toScopeKey(`agent:main:${"x".repeat(500)}`);
  const name = toContainerName("p".repeat(CONTAINER_PREFIX_LENGTH_MAX), INSTANCE, key);
  expect(name).toHaveLength(CONTAINER_NAME_LENGTH_MAX);
  expect(name).toMatch(/-[0-9a-f]{16}$/);
  expect(toLegacySlug(INSTANCE, key)).toHaveLength(toSlug(INSTANCE, key).length);
});

test("a name of one form is never one of the other", () => {
  for (const key of ["shared", "agent:main", "agent:main:0123456789abcdef", "agent:main:deadbeef"]) {
    expect(isLegacyName(toSlug(INSTANCE, toScopeKey(key)))).toBe(false);
    expect(isLegacyName(toLegacySlug(INSTANCE, toScopeKey(key)))).toBe(true);
  }
});
