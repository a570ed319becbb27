// Which text is a command, and what of a message says how it is to be answered: what a person writes, what he quotes, and what only looks like either.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseCommand, readMessage } from "./commands.ts";
import { NO_DIRECTIVES, takeDirectives } from "./directives.ts";

const isModel = (word: string): boolean => word === "mock/m" || word === "fast";
const read = (text: string) => readMessage(text, isModel);
const queue = { mode: null, alias: null, debounceMs: null, cap: null, drop: null };
const set = (directives: object) => ({ kind: "set", directives: { ...NO_DIRECTIVES, ...directives } });

describe("commands", () => {
  test.each([
    ["/stop", { kind: "stop" }],
    ["  STOP ", { kind: "stop" }],
    ["esc", { kind: "stop" }],
    ["/new openai/gpt", { kind: "new", model: "openai/gpt" }],
    ["/reset", { kind: "new", model: null }],
    ["/compact keep the names", { kind: "compact", focus: "keep the names" }],
    ["/model default", { kind: "model", model: "default" }],
    ["/model: x/y", { kind: "model", model: "x/y" }],
    ["/queue steer-backlog", set({ queue: { ...queue, mode: "steer", alias: "steer-backlog" } })],
    ["/queue collect cap:3", set({ queue: { ...queue, mode: "collect", cap: 3 } })],
    ["/queue", { kind: "queue" }],
    ["/think", { kind: "thinking" }],
    ["/think HIGH", set({ thinking: "high" })],
    ["/t off", set({ thinking: "off" })],
    ["/verbose", { kind: "verbose" }],
    ["/v full", set({ verbose: "full" })],
    ["/activation", { kind: "activation", activation: null }],
    ["/activation always", { kind: "activation", activation: "always" }],
    ["/steer be brief", { kind: "steer", text: "be brief" }],
    ["/id", { kind: "whoami" }],
    ["/help@bot", { kind: "help" }],
  ])("%j is %j", (said, expected) => expect(parseCommand(said)).toEqual(expected));

  test.each([
    ["/think:low", set({ thinking: "low" })],
    ["/think high /verbose on", set({ thinking: "high", verbose: "on" })],
    ["/model fast\n/queue interrupt", set({ model: "fast", queue: { ...queue, mode: "interrupt" } })],
  ])("%j is %j, for the conversation", (said, command) => expect(read(said)).toEqual({ kind: "command", command }));

  test.each([
    ...["/bash ls", "/config set x", "/queue sideways", "/steer", "/think hard", "/think harder than before", "/verbose maybe"],
    ...["/model no/such say hello", "/activation sometimes"],
  ])("%j is refused and not said to a model", (said) =>
    expect(read(said)).toMatchObject({ kind: "command", command: { kind: "refused" } }),
  );

  test.each(["stop it", "/", "//", "/unknown", "hello /stop", "/tmp/x is full", "what does /think do?", "/th high"])(
    "%j is said to the agent as it is",
    (text) => expect(read(text)).toEqual({ kind: "said", text, directives: NO_DIRECTIVES }),
  );
});

describe("directives", () => {
  test.each([
    ["/think high mend the test", "mend the test", { thinking: "high" }],
    ["mend the test /think high", "mend the test", { thinking: "high" }],
    ["mend /think:xhigh the test", "mend the test", { thinking: "xhigh" }],
    ["/model fast /v off what is this?", "what is this?", { model: "fast", verbose: "off" }],
    ["look at it\n/queue followup debounce:1s\nsoon", "look at it\n\nsoon", { queue: { ...queue, mode: "followup", debounceMs: 1_000 } }],
    ["/think low\n/think high\ngo", "go", { thinking: "high" }],
  ])("%j is %j with %j", (said, text, directives) =>
    expect(read(said)).toEqual({ kind: "said", text, directives: { ...NO_DIRECTIVES, ...directives } }),
  );

  test.each([
    "> /think high\nhe wrote that",
    "run `/think high` for me",
    "```\n/model fast\n```\nexplain",
    "see path/think high",
    "is /think highest a word?",
    "use /model no/such please",
    "a /new b",
    "https://example.org/think high",
  ])("%j is said as it is: it is quoted, code, or no such word", (text) =>
    expect(read(text)).toEqual({ kind: "said", text, directives: NO_DIRECTIVES }),
  );

  const word = fc.stringMatching(/^[a-zA-Z0-9.,;!?äöü-]{1,12}$/);
  const sentence = fc.array(word, { minLength: 1, maxLength: 8 });

  test("a text without a slash is never touched", () =>
    fc.assert(
      fc.property(fc.string({ maxLength: 300 }), (written) => {
        const text = written.replaceAll("/", "");
        expect(takeDirectives(text, () => true)).toEqual({ text, directives: NO_DIRECTIVES, count: 0 });
      }),
    ));

  test("wherever one stands between words it is taken out, and every other word stays in its order", () =>
    fc.assert(
      fc.property(sentence, sentence, fc.constantFrom("off", "minimal", "low", "medium", "high", "xhigh"), (before, after, level) => {
        const taken = takeDirectives([...before, "/think", level, ...after].join(" "), () => false);
        expect(taken.text.split(" ")).toEqual([...before, ...after]);
        expect(taken).toMatchObject({ count: 1, directives: { thinking: level } });
      }),
    ));

  test("in a quote or in code none is, whatever stands around it", () =>
    fc.assert(
      fc.property(sentence, sentence, (before, after) => {
        const text = `> ${before.join(" ")} /think high ${after.join(" ")}\n~~~\n/queue interrupt\n~~~`;
        expect(takeDirectives(text, () => true)).toEqual({ text, directives: NO_DIRECTIVES, count: 0 });
      }),
    ));
});
