// What will happen next, from what sandboxes say of themselves.
import { expect, test } from "vitest";
import type { Sandbox } from "../../api/sandbox.ts";
import { toUpcoming } from "./upcoming.ts";

const NOW = Date.parse("2026-01-31T12:00:00Z");
const at = (seconds: number): string => new Date(NOW + seconds * 1_000).toISOString();

const sandbox = (status: object): Sandbox =>
  ({ status: { deferredUntil: null, failure: null, servingFailure: null, next: [], ...status } }) as unknown as Sandbox;

test("what is due comes soonest first, whoever says it", () => {
  const found = toUpcoming([
    sandbox({ next: [`removed at ${at(3_600)} if it stays unused (prune.idleHours)`, `replaced at ${at(-5)} because of its age`] }),
    sandbox({ next: [`retrying at ${at(20)}`] }),
    sandbox({ deferredUntil: NOW + 60_000, next: ["deferred: it was used"] }),
    sandbox({ failure: { code: "ImageMissing", retryAt: NOW + 10_000 }, next: [`retrying at ${at(10)}`] }),
  ]);
  expect(found.map(({ at: moment, what }) => [moment - NOW, what])).toEqual([
    [-5_000, "is replaced because of its age"],
    [10_000, "is tried again after ImageMissing"],
    [20_000, "is tried again"],
    [60_000, "is updated if it stays unused"],
    [3_600_000, "is removed if it stays unused (prune.idleHours)"],
  ]);
});
