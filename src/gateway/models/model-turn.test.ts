import { expect, test } from "vitest";
import { toDurationMs, toEpochMs } from "../../api/brands.ts";
import type { Secret } from "../../api/models/credential.ts";
import { VirtualClock } from "../../api/virtual-clock.fixture.ts";
import { KeyMemory } from "./key-memory.ts";
import type { CallEvent, ModelCall, ModelError, ModelFailure } from "./model-call.ts";
import { toModelFailure } from "./model-error.ts";
import { type CallOutcome, ModelTurn } from "./model-turn.ts";
import { KEY, type Keys, makeKeys, read, targetOf, toRequest } from "./world.fixture.ts";

const USAGE = { input: 5, output: 1, cacheRead: 0, cacheWrite: 0, reasoning: 0, isEstimated: false };
const GOOD: CallEvent[] = [
  { kind: "text", text: "hi" },
  { kind: "answered", stop: "end", parts: [{ kind: "text", text: "hi", opaque: null }], usage: USAGE },
];
const bad = (failure: ModelFailure, more: Partial<ModelError> = {}): CallEvent[] => [
  { kind: "failed", error: toModelFailure(failure, `it was ${failure}`, more), usage: null },
];

interface World {
  turn: ModelTurn;
  clock: VirtualClock;
  keys: Keys;
  /** `openai/a with sk-...` */
  calls: string[];
  outcomes: CallOutcome[];
  moves: string[];
  memory: KeyMemory;
  next(): ModelTurn;
  step(signal?: AbortSignal): Promise<string[]>;
}

const MODELS = [targetOf("openai/a"), targetOf("anthropic/b")];
const TWO: Record<string, Secret> = { "openai:one": KEY, "openai:two": { kind: "api-key", apiKey: "second" }, "anthropic:one": KEY };

/** @param answers what each call gives, in order; after the last one every call answers */
function createWorld(
  answers: CallEvent[][],
  { keys = makeKeys(TWO), models = MODELS, refuse = () => null as ModelError | null, callMs = 0 } = {},
): World {
  const clock = new VirtualClock();
  const [calls, outcomes, moves]: [string[], CallOutcome[], string[]] = [[], [], []];
  const memory = new KeyMemory();
  const call: ModelCall = {
    async *stream({ target, secret }) {
      const events = answers[calls.length] ?? GOOD;
      clock.jump(callMs);
      calls.push(`${target.provider}/${target.model} with ${secret?.kind === "api-key" ? secret.apiKey : (secret?.kind ?? "nothing")}`);
      yield* events;
    },
  };
  const parts = {
    call,
    credentials: keys,
    memory,
    clock,
    chance: () => 0.5,
    refuse,
    called: async (outcome: CallOutcome) => void outcomes.push(outcome),
  };
  const next = (): ModelTurn => new ModelTurn({ ...parts, movedOn: (move) => void moves.push(move) }, models);
  const turn = next();
  const step = async (signal = new AbortController().signal): Promise<string[]> => {
    const lines = read(turn.step(toRequest(), signal));
    // Whatever it waits for passes.
    await clock.advance(600_000);
    return await lines;
  };
  return { turn, clock, keys, calls, outcomes, moves, memory, next, step };
}

test("the primary model answers with the first key, and its use is kept before its answer is given on", async () => {
  const world = createWorld([]);
  expect(await world.step()).toEqual(["calling openai/a as openai:one", "text: hi", "answered end"]);
  expect(world.outcomes).toMatchObject([{ error: null, usage: USAGE }]);
  expect(world.keys.reports).toEqual(["openai:one accepted"]);
});

test("a failure that passes is tried again, and what was said before does not count", async () => {
  const cut: CallEvent[] = [{ kind: "text", text: "half" }, ...bad("cut")];
  const world = createWorld([cut]);
  expect(await world.step()).toEqual([
    "calling openai/a as openai:one",
    "text: half",
    "cut: retry in 500 ms",
    "calling openai/a as openai:one",
    "text: hi",
    "answered end",
  ]);
});

test.each(["cut", "silent"] as const)(
  "what was %s after minutes is tried again with the same key, once where minutes pass again",
  async (failure) => {
    const world = createWorld([bad(failure), bad(failure)], { callMs: 180_000 });
    expect((await world.step()).filter((line) => line.startsWith("calling"))).toEqual([
      "calling openai/a as openai:one",
      "calling openai/a as openai:one",
      "calling openai/a as openai:two",
    ]);
  },
);

test("a limited key gives way to the next one and rests; the next turn does not begin with it", async () => {
  const world = createWorld([bad("rate-limited", { retryAfterMs: 300_000 })]);
  expect(await world.step()).toEqual([
    "calling openai/a as openai:one",
    "rate-limited: next-key in 0 ms",
    "calling openai/a as openai:two",
    "text: hi",
    "answered end",
  ]);
  const later = createWorld([]);
  later.memory.rest("openai:one", toDurationMs(1_000), later.clock.now());
  expect((await later.step())[0]).toBe("calling openai/a as openai:two");
});

test("a refused key is marked, and a model without a key that works gives way to the next model", async () => {
  const world = createWorld([bad("unauthenticated"), bad("unauthenticated")]);
  expect(await world.step()).toEqual([
    "calling openai/a as openai:one",
    "unauthenticated: next-key in 0 ms",
    "calling openai/a as openai:two",
    "unauthenticated: next-model in 0 ms",
    "calling anthropic/b as anthropic:one",
    "text: hi",
    "answered end",
  ]);
  expect(world.keys.reports).toEqual([
    "openai:one refused: it was unauthenticated",
    "openai:two refused: it was unauthenticated",
    "anthropic:one accepted",
  ]);
  expect(world.moves).toEqual(["next-key", "next-model"]);
});

test("what answered once is asked first for the rest of the turn, and the next turn begins with the primary model", async () => {
  const world = createWorld([bad("rejected"), GOOD, GOOD, bad("rejected")]);
  expect((await world.step()).filter((line) => line.startsWith("calling"))).toEqual([
    "calling openai/a as openai:one",
    "calling anthropic/b as anthropic:one",
  ]);
  expect((await world.step())[0]).toBe("calling anthropic/b as anthropic:one");
  expect((await world.step()).filter((line) => line.startsWith("calling"))).toEqual([
    "calling anthropic/b as anthropic:one",
    "calling openai/a as openai:one",
  ]);
  expect((await read(world.next().step(toRequest(), new AbortController().signal)))[0]).toBe("calling openai/a as openai:one");
});

test.each(["overflow", "aborted"] as const)("after %s nothing else is tried", async (failure) => {
  const world = createWorld([bad(failure)]);
  expect(await world.step()).toEqual(["calling openai/a as openai:one", `failed ${failure}: it was ${failure}`]);
  expect(world.calls).toHaveLength(1);
});

test("where nothing answers, what each model said is said, and it counts as what the primary one said", async () => {
  const world = createWorld([bad("rejected"), bad("unauthenticated")]);
  expect((await world.step()).at(-1)).toBe(
    "failed rejected: no model answered: openai/a: it was rejected; anthropic/b: it was unauthenticated",
  );
  expect(world.moves.at(-1)).toBe("stop");
});

test("a provider that is down is asked eight times with each key, and then the next model", async () => {
  const world = createWorld(Array.from({ length: 16 }, () => bad("transient")));
  expect((await world.step()).at(-1)).toBe("answered end");
  expect(world.calls.filter((call) => call.startsWith("openai/a"))).toHaveLength(16);
  expect(world.calls.at(-1)).toBe("anthropic/b with sk-test-0123456789");
});

test("a step makes sixty calls at most, whatever the providers say", async () => {
  const keys = makeKeys(Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`openai:k${index}`, KEY] as const)));
  const world = createWorld(
    Array.from({ length: 200 }, () => bad("rate-limited")),
    { keys },
  );
  const lines = read(world.turn.step(toRequest(), new AbortController().signal));
  await world.clock.advance(100 * 90_000);
  expect((await lines).at(-1)).toBe("failed rate-limited: no model answered: openai/a: it was rate-limited");
  expect(world.calls).toHaveLength(60);
});

test("an abort ends a wait at once", async () => {
  const world = createWorld([bad("transient")]);
  const controller = new AbortController();
  const lines = read(world.turn.step(toRequest(), controller.signal));
  await world.clock.settle();
  controller.abort();
  expect((await lines).at(-1)).toBe("failed aborted: the call was aborted");
  expect(world.calls).toHaveLength(1);
  expect(world.clock.timerCount).toBe(0);
});

test("a limit is asked before each call, and ends the step", async () => {
  let left = 1;
  const refuse = (): ModelError | null => {
    left -= 1;
    return left >= 0 ? null : toModelFailure("over-budget", "this session has used 10 of 10 tokens");
  };
  const world = createWorld([bad("transient")], { refuse });
  expect((await world.step()).at(-1)).toBe("failed over-budget: this session has used 10 of 10 tokens");
  expect(world.calls).toHaveLength(1);
});

test("a profile without a secret is passed over without a call, and one whose sign-in server is away is tried again", async () => {
  const problem = (kind: "expired" | "unreachable") => ({ kind: "problem", problem: kind, message: kind, fix: "sign in" }) as const;
  const keys = makeKeys({ "openai:one": problem("expired"), "openai:two": KEY });
  expect(await createWorld([], { keys }).step()).toEqual([
    "no-credential: next-key in 0 ms",
    "calling openai/a as openai:two",
    "text: hi",
    "answered end",
  ]);
  const away = createWorld([], { keys: makeKeys({ "openai:one": problem("unreachable") }), models: MODELS.slice(0, 1) });
  expect(await away.step()).toContain("transient: retry in 500 ms");
});

test("a token that was refused is renewed once, and a provider of one's own is called without a key", async () => {
  const token: Secret = { kind: "oauth", accessToken: "t", accountId: null, expiresAt: toEpochMs(9e12) };
  const world = createWorld([bad("unauthenticated")], { keys: makeKeys({ "openai:one": token }) });
  expect((await world.step()).slice(0, 3)).toEqual([
    "calling openai/a as openai:one",
    "unauthenticated: retry in 0 ms",
    "calling openai/a as openai:one",
  ]);
  const own = createWorld([], { keys: makeKeys({}), models: [targetOf("ollama/qwen")] });
  expect((await own.step())[0]).toBe("calling ollama/qwen as nobody");
  const nobody = createWorld([], { keys: makeKeys({}), models: [targetOf("openai/a")] });
  expect(await nobody.step()).toEqual([`failed no-credential: no model answered: openai/a: nobody is signed in at "openai"`]);
});
