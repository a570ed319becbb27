// What an error says of trying again, from where it arises to whoever reads the answer.
import { expect, test } from "vitest";
import { OperationError } from "./errors.ts";
import { fromProblem, toProblem } from "./wire.ts";

test("an error is retryable as its code says, unless it says itself that trying again can't help, on every way", () => {
  const full = new OperationError("LimitExceeded", "the workspace is full", { fix: "remove files", retryable: false });
  expect(toProblem(full)).toMatchObject({ status: 429, retryable: false });
  expect(toProblem(fromProblem(toProblem(full)))).toEqual(toProblem(full));
  const busy = new OperationError("LimitExceeded", "256 calls are running");
  expect(toProblem(fromProblem(toProblem(busy)))).toMatchObject({ retryable: true });
});
