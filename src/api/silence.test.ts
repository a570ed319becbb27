// Answers that say nothing.
import { expect, test } from "vitest";
import { isSilent, REMARK_LENGTH_MAX } from "./silence.ts";

test.each([
  ["NO_REPLY", REMARK_LENGTH_MAX, true],
  ["HEARTBEAT_OK", 0, true],
  ["HEARTBEAT_OK, all quiet", REMARK_LENGTH_MAX, true],
  ["HEARTBEAT_OK, all quiet", 0, false],
  [`${"x".repeat(301)} HEARTBEAT_OK`, REMARK_LENGTH_MAX, false],
  [`${"x".repeat(301)} HEARTBEAT_OK`, 302, true],
  ["NO_REPLY, but", REMARK_LENGTH_MAX, false],
  ["", 0, true],
])("%j says nothing, with %i characters beside it: %s", (said, remarkLengthMax, expected) =>
  expect(isSilent(said, remarkLengthMax)).toBe(expected),
);
