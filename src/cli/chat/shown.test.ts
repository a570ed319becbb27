// What a terminal has shown of a conversation, and what it missed while it heard nothing.
import fc from "fast-check";
import { expect, test } from "vitest";
import type { ChatItem } from "../../api/gateway-protocol/chat.ts";
import type { RunSaying } from "./run-text.ts";
import { Shown } from "./shown.ts";

const END = { runId: "r", outcome: "final", usage: null, steps: 1, error: null } as const;

/** Item by item: what a history has, and the events that said the same. */
type Step = { kind: "user" | "assistant" | "tool" | "note"; text: string };
const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom("user", "assistant", "tool", "note"),
  text: fc.constantFrom("a", "b", "c d"),
});

function toItem({ kind, text }: Step, at: number): ChatItem {
  const id = at + 1;
  if (kind === "user") return { kind, id, at: 0, text, attachments: [], from: "owner", state: "answered" };
  if (kind === "assistant") return { kind, id, at: 0, text: `${text}${at}`, runId: "r", model: "m", isPartial: false };
  if (kind === "note") return { kind, id, at: 0, text: `${text}${at}` };
  return { kind, id, at: 0, callId: `c${at}`, tool: "exec", input: {}, state: "done", text, sandbox: null, details: {}, verbose: null };
}

function hear(shown: Shown, item: ChatItem): void {
  if (item.kind === "user") return shown.asked(item.text);
  const sayings: RunSaying[] =
    item.kind === "assistant"
      ? [
          { kind: "text", text: item.text.slice(0, 1) },
          { kind: "text", text: item.text.slice(1) },
          item.id % 2 === 0 ? { kind: "piece-ended" } : { kind: "end", end: { ...END, text: item.text } },
        ]
      : item.kind === "note"
        ? [{ kind: "note", line: item.text }]
        : item.kind === "tool"
          ? [{ kind: "tool-ended", callId: item.callId, line: "done", isError: false, text: item.text }]
          : [];
  for (const saying of sayings) shown.note(saying);
}

test("what was read or heard is shown once, what was neither is missed, and afterwards nothing is", () =>
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), fc.nat(12), fc.nat(12), (steps, readCount, heardCount) => {
      const items = steps.map(toItem);
      const read = Math.min(readCount, items.length);
      const heard = Math.min(read + heardCount, items.length);
      const shown = new Shown(items.slice(0, read));
      for (const item of items.slice(read, heard)) hear(shown, item);
      expect(shown.missed(items)).toEqual(items.slice(heard));
      expect(shown.missed(items)).toEqual([]);
    }),
  ));

test("an answer of which only a part was heard is shown whole", () => {
  const shown = new Shown([]);
  shown.note({ kind: "text", text: "The wh" });
  const [item] = [toItem({ kind: "assistant", text: "The whole." }, 0)];
  expect(shown.missed([item])).toEqual([item]);
});

test("a conversation that began anew is shown from its beginning", () => {
  const shown = new Shown([{ id: 40 }]);
  const items = [toItem({ kind: "user", text: "a" }, 0)];
  expect(shown.missed(items)).toEqual(items);
});
