// How the page writes states, spans, amounts and commands.
import { expect, test } from "vitest";
import type { Condition } from "../../api/condition.ts";
import type { Sandbox } from "../../api/sandbox.ts";
import { quote, toCommand, toTyped } from "./command.ts";
import { renderBytes, renderCount, renderFieldValue, withFieldSizes } from "./size.ts";
import { toState } from "./state.ts";
import { renderAgo, renderMoment, renderSpan, withLocalTimes } from "./time.ts";

const condition = (type: Condition["type"], status: Condition["status"], reason: string): Condition =>
  ({ type, status, reason, message: `${reason} is so`, observedGeneration: 1, lastTransitionTime: 0 }) as Condition;

function stateOf(ready: [Condition["status"], string], upToDate: [Condition["status"], string], { isWanted = true, container = {} } = {}) {
  const conditions = [condition("Ready", ...ready), condition("UpToDate", ...upToDate)];
  return toState({ spec: { wanted: isWanted }, status: { conditions, container } } as unknown as Sandbox);
}

test.each([
  ["ready", ["True", "Serving"], ["True", "UpToDate"]],
  ["waiting", ["True", "Serving"], ["False", "DeferredInUse"]],
  ["waiting", ["True", "Serving"], ["False", "Pinned"]],
  ["updating", ["True", "Serving"], ["False", "Converging"]],
  ["stuck", ["True", "Serving"], ["False", "ImageMissing"]],
  ["stuck", ["True", "Serving"], ["False", "RolloutHalted"]],
  ["held", ["True", "Serving"], ["False", "RemovalHeld"]],
  ["held", ["False", "NotRunning"], ["False", "RemovalHeld"]],
  ["starting", ["False", "Progressing"], ["False", "Converging"]],
  ["failing", ["False", "SetupFailed"], ["False", "SetupFailed"]],
  ["resting", ["False", "Pruned"], ["True", "UpToDate"]],
  ["unknown", ["Unknown", "EngineUnreachable"], ["Unknown", "EngineUnreachable"]],
] as const)("a sandbox is %s when Ready is %s and UpToDate is %s", (name, ready, upToDate) => {
  expect(stateOf([...ready], [...upToDate]).name).toBe(name);
});

test("a sandbox that serves with an update that fails says why the update fails, one that does not serve says why it does not", () => {
  expect(stateOf(["True", "Serving"], ["False", "ImageMissing"]).message).toBe("ImageMissing is so");
  expect(stateOf(["False", "SetupFailed"], ["False", "Converging"]).reason).toBe("SetupFailed");
});

test("a sandbox that nobody wants and that has no container is at rest, whatever its reason", () => {
  expect(stateOf(["False", "NotRunning"], ["True", "UpToDate"], { isWanted: false, container: null as never }).name).toBe("resting");
});

test.each([
  [-5, "0s"],
  [999, "0s"],
  [59_999, "59s"],
  [60_000, "1m"],
  [320_000, "5m 20s"],
  [11 * 60_000, "11m"],
  [3_600_000, "1h"],
  [3 * 3_600_000 + 300_000, "3h 5m"],
  [26 * 3_600_000, "1d 2h"],
])("a span of %d ms is written %s", (ms, text) => expect(renderSpan(ms)).toBe(text));

test("what was and what will be are told apart", () => {
  expect([renderAgo(0, 500), renderAgo(0, 5_000), renderAgo(65_000, 5_000)]).toEqual(["just now", "5s ago", "in 1m"]);
});

test("a moment of another day has its date, and one within a sentence is the reader's own time", () => {
  const now = Date.parse("2026-01-31T12:00:00Z");
  const at = Date.parse("2026-01-29T09:08:07Z");
  expect(renderMoment(at, now)).toMatch(/^2026-01-(29|28|30) \d\d:\d\d:07$/);
  expect(withLocalTimes("waiting until 2026-01-31T12:00:05.851Z; then", now)).toBe(`waiting until ${renderMoment(now + 5_851, now)}; then`);
});

test.each([
  [0, "0 B"],
  [1_023, "1023 B"],
  [1_536, "1.5 KiB"],
  [268_435_456, "256 MiB"],
  [1.5 * 2 ** 40, "1.5 TiB"],
])("%d bytes are written %s", (bytes, text) => expect(renderBytes(bytes)).toBe(text));

test("a command can be pasted into a shell, whatever a name holds", () => {
  expect(toCommand("sandbox", "describe", "openclaw-sbx-a")).toBe("openclaw sandbox describe openclaw-sbx-a");
  const compose = "docker compose run --rm openclaw-cli";
  expect(toTyped("openclaw devices approve openclaw", compose)).toBe(`${compose} devices approve openclaw`);
  expect(toTyped("openclaw config patch <<'EOF'\n{}\nEOF", compose)).toBe(
    "docker compose run --rm -T openclaw-cli config patch <<'EOF'\n{}\nEOF",
  );
  expect(toTyped("openclaw config patch <<'EOF'\n{}\nEOF", "docker-compose run --rm openclaw-cli")).toBe(
    "docker-compose exec -T openclaw-controller openclaw-entrypoint config patch <<'EOF'\n{}\nEOF",
  );
  expect(toTyped("claude mcp add openclaw -- openclaw mcp", compose)).toBe(
    "claude mcp add openclaw -- docker compose run --rm -T openclaw-cli mcp",
  );
  expect(toTyped("claude mcp add openclaw -- openclaw mcp", "docker-compose run --rm openclaw-cli")).toBe(
    "claude mcp add openclaw -- docker-compose exec -T openclaw-gateway openclaw-entrypoint mcp",
  );
  expect(toTyped("openclaw status", "openclaw")).toBe("openclaw status");
  expect(quote("it's $(rm -rf ~)")).toBe("'it'\\''s $(rm -rf ~)'");
  expect(quote("")).toBe("''");
});

test("what the controller tells in bytes is read as an amount, in fields that are one, and nothing else is touched", () => {
  expect(renderFieldValue("docker.memory", "2147483648")).toBe("2 GiB");
  expect(renderFieldValue("docker.memory", "unlimited")).toBe("unlimited");
  expect(renderFieldValue("docker.pidsLimit", "20000")).toBe("20000");
  expect(withFieldSizes("update a1 (drift): docker.memory 536870912 -> 1073741824, docker.pidsLimit 20000 -> 30000")).toBe(
    "update a1 (drift): docker.memory 512 MiB -> 1 GiB, docker.pidsLimit 20000 -> 30000",
  );
});

test("how many there are is said in one word where all are meant", () => {
  const count = (found: number, all: number): string => renderCount(found, all, ["sandbox", "sandboxes"]);
  expect([count(5, 5), count(1, 1), count(1, 5), count(0, 1)]).toEqual(["5 sandboxes", "1 sandbox", "1 of 5 sandboxes", "0 of 1 sandbox"]);
});
