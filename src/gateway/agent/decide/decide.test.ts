// The loop's decisions: where a conversation is cut, what comes next, and what a model sees of a run log, also of one that ends anywhere. What is said and what
// waits is directives.test.ts's and queue.test.ts's.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toDurationMs, toEpochMs } from "../../../api/brands.ts";
import type { ModelMessage } from "../../models/model-call.ts";
import { type Numbered, toRunId } from "../entries.ts";
import { isActive } from "./active-hours.ts";
import { estimateAll, estimateTokens, findCut, isNearLimit } from "./compaction.ts";
import { type Seen, toSeen } from "./context.ts";
import { Repeats } from "./repeats.ts";
import { decideAfterAnswer, decideAfterFailure } from "./run-step.ts";

const text = fc.string({ maxLength: 400 });
/** A turn: what is said, and answers with calls and their results. */
const turn = fc.record({ said: text, steps: fc.array(fc.array(text, { maxLength: 3 }), { maxLength: 4 }) });

function toConversation(turns: readonly { said: string; steps: readonly (readonly string[])[] }[]): Seen[] {
  const seen: Seen[] = [];
  let line = 0;
  for (const { said, steps } of turns) {
    line += 1;
    seen.push({ line, message: { role: "user", parts: [{ kind: "text", text: said }] } });
    for (const results of steps) {
      line += 1;
      const calls = results.map((_, at) => ({
        kind: "tool-call" as const,
        id: `${line}.${at}`,
        tool: "exec",
        input: {},
        problem: null,
        opaque: null,
      }));
      seen.push({ line, message: { role: "assistant", parts: [{ kind: "text", text: "so", opaque: null }, ...calls] } });
      if (calls.length > 0)
        seen.push({
          line,
          message: { role: "tool", results: results.map((one, at) => ({ id: `${line}.${at}`, tool: "exec", text: one, isError: false })) },
        });
    }
  }
  return seen;
}

describe("compaction", () => {
  test("what is kept begins with no result, so that no call is parted from its own, and the newest stay within the bound where they can", () =>
    fc.assert(
      fc.property(fc.array(turn, { maxLength: 8 }), fc.integer({ min: 1, max: 1_000 }), (turns, tokens) => {
        const seen = toConversation(turns);
        const cut = findCut(seen, tokens);
        expect(cut).toBeGreaterThanOrEqual(0);
        expect(cut === 0 || cut < seen.length).toBe(true);
        const kept = seen.slice(cut);
        expect(kept[0]?.message.role).not.toBe("tool");
        const calls = kept.flatMap(({ message }) =>
          message.role === "assistant" ? message.parts.flatMap((part) => (part.kind === "tool-call" ? [part.id] : [])) : [],
        );
        const results = kept.flatMap(({ message }) => (message.role === "tool" ? message.results.map(({ id }) => id) : []));
        expect(results).toEqual(calls);
        // One more that could be kept would be too much.
        const before = seen.slice(0, cut).findLastIndex(({ message }) => message.role !== "tool");
        if (cut > 0 && before >= 0) expect(estimateAll(seen.slice(before))).toBeGreaterThan(tokens);
      }),
    ));

  test("a window that is not known is never near, and a small one is not all reserve", () => {
    expect(isNearLimit(1e9, { contextWindow: null, reserveTokens: 16_384 })).toBe(false);
    expect(isNearLimit(2_000, { contextWindow: 4_000, reserveTokens: 16_384 })).toBe(false);
    expect(isNearLimit(3_500, { contextWindow: 4_000, reserveTokens: 16_384 })).toBe(true);
  });

  test("a picture counts whatever its bytes are", () =>
    expect(estimateTokens({ role: "user", parts: [{ kind: "image", mediaType: "image/png", data: new Uint8Array(1e6) }] })).toBe(1_608));
});

const runId = toRunId("r");
const at = toEpochMs(0);

/** Lines of one run as run.ts writes them. */
function toLog(turns: readonly { said: string; steps: readonly (readonly string[])[] }[]): Numbered[] {
  const entries: Numbered[] = [];
  const add = (entry: object): void => void entries.push({ v: 1, at, id: entries.length + 1, ...entry } as Numbered);
  for (const { said, steps } of turns) {
    add({ kind: "started", runId, model: "m" });
    add({ kind: "adopted", runId, isSteered: false, messages: [{ input: 1, text: said, images: [] }] });
    for (const results of steps) {
      const answer = entries.length + 1;
      const parts = results.map((_, index) => ({
        kind: "tool-call",
        id: `${answer}.${index}`,
        tool: "exec",
        input: {},
        problem: null,
        opaque: null,
      }));
      add({
        kind: "assistant",
        runId,
        model: "m",
        parts: parts.length > 0 ? parts : [{ kind: "text", text: "so", opaque: null }],
        stop: "end",
        usage: null,
        isPartial: false,
      });
      for (const [index, result] of results.entries()) {
        add({ kind: "calling", runId, callId: `${answer}.${index}`, tool: "exec" });
        add({
          kind: "result",
          runId,
          callId: `${answer}.${index}`,
          tool: "exec",
          state: "done",
          text: result,
          images: [],
          sandbox: null,
          details: {},
        });
      }
    }
    add({ kind: "ended", runId, outcome: "final", message: null, error: null, usage: null, steps: 1 });
  }
  return entries;
}

describe("what a model sees", () => {
  test("of a log that ends at any line, every call has exactly one result right behind it, in the order of the calls", () =>
    fc.assert(
      fc.property(fc.array(turn, { maxLength: 5 }), fc.nat(60), (turns, length) => {
        const seen = toSeen(toLog(turns).slice(0, length), null);
        for (const [index, { message }] of seen.entries()) {
          if (message.role === "tool") expect(seen[index - 1]?.message.role).toBe("assistant");
          if (message.role !== "assistant") continue;
          const calls = message.parts.flatMap((part) => (part.kind === "tool-call" ? [part.id] : []));
          const next: ModelMessage | undefined = seen[index + 1]?.message;
          expect(next?.role === "tool" ? next.results.map(({ id }) => id) : []).toEqual(calls);
        }
      }),
    ));

  test("piece by piece is the same as at once, where the pieces end with whole answers", () => {
    const entries = toLog([{ said: "one", steps: [["a", "b"], [], ["c"]] }]);
    const ends = entries.flatMap((entry, index) => (entry.kind === "assistant" || entry.kind === "ended" ? [index] : []));
    const pieces = ends.map((end, index) => entries.slice(ends[index - 1] ?? 0, end));
    expect(pieces.flatMap((piece) => toSeen(piece, null)).map(({ message }) => message)).toEqual(
      toSeen(entries, null).map(({ message }) => message),
    );
  });
});

describe("the next step", () => {
  const limits = { stepsMax: 3, timeMsMax: toDurationMs(1_000), repeatsMax: 3, resultCharactersMax: 1_000 };
  const answered = { steps: 1, calls: 0, text: "hi", isSilenceAllowed: false, remarkLengthMax: 300, isLastPass: false };
  test.each([
    [{ calls: 1, text: "" }, "run-calls"],
    [{ calls: 1, steps: 3 }, "fail"],
    [{}, "end"],
    [{ text: "" }, "last-pass"],
    [{ text: "NO_REPLY" }, "last-pass"],
    [{ text: "NO_REPLY", isSilenceAllowed: true }, "end"],
    [{ text: "HEARTBEAT_OK: quiet", remarkLengthMax: 0 }, "end"],
    [{ text: "HEARTBEAT_OK: quiet" }, "last-pass"],
    [{ text: "", isLastPass: true }, "end"],
    [{ text: "", steps: 3 }, "end"],
    [{ calls: 2, isLastPass: true, text: "x" }, "end"],
  ])("after %j: %s", (facts, kind) => expect(decideAfterAnswer({ ...answered, ...facts }, limits).kind).toBe(kind));

  test.each([
    ["overflow", false, "compact"],
    ["overflow", true, "fail"],
    ["aborted", false, "abort"],
    ["rejected", false, "fail"],
  ] as const)("after a failure %s, compacted %s: %s", (failure, hasCompacted, kind) =>
    expect(decideAfterFailure({ failure, message: "m", status: null, retryAfterMs: null, fix: null }, hasCompacted).kind).toBe(kind),
  );

  test("the same call counts with its result, whatever the order of its keys; a message begins the count anew", () => {
    const repeats = new Repeats(3);
    const note = (input: unknown, result = "r"): string => repeats.note({ tool: "exec", input, result }).kind;
    expect([note({ a: 1, b: 2 }), note({ b: 2, a: 1 }, "another"), note({ b: 2, a: 1 }), note({ a: 1, b: 2 })]).toEqual([
      "fine",
      "fine",
      "warn",
      "stop",
    ]);
    repeats.forget();
    expect(note({ a: 1, b: 2 })).toBe("fine");
  });
});

test.each([
  ["08:00", "22:00", "2026-01-31T12:00:00Z", true],
  ["08:00", "22:00", "2026-01-31T22:00:00Z", false],
  ["22:00", "06:00", "2026-01-31T23:30:00Z", true],
  ["22:00", "06:00", "2026-01-31T06:00:00Z", false],
  ["00:00", "24:00", "2026-01-31T23:59:00Z", true],
  ["09:00", "09:00", "2026-01-31T09:00:00Z", false],
])("from %s to %s, at %s: %s", (start, end, moment, expected) =>
  expect(isActive({ start, end, timezone: "UTC" }, Date.parse(moment))).toBe(expected),
);
