// What the page makes of a sandbox's decisions, and of the config's text. That the edit is planned and in force is test/control-ui-egress.engine.test.ts's.
import { describe, expect, test } from "vitest";
import type { EgressLine } from "../../api/egress-log.ts";
import { type Destination, toDestinations, toListPlace, toRule, withRule } from "./egress.ts";

type Decided = Extract<EgressLine, { kind: "decision" }>;

const decided = (edit: Partial<Decided> = {}): Decided => ({
  kind: "decision",
  seq: 1,
  time: 1_000,
  sandbox: "openclaw-sbx-a",
  generation: 1,
  method: "CONNECT",
  host: "example.com",
  port: 443,
  verdict: "refused",
  reason: "NotListed",
  message: "no rule allows example.com",
  ...edit,
});
const destinationOf = (edit: Partial<Decided> = {}): Destination => {
  const [one] = toDestinations([decided(edit)]);
  if (one === undefined) throw new Error("none");
  return one;
};

test("alike decisions are one line, refused ones come first, then the newest; ends and losses are none", () => {
  const allowed = { verdict: "allowed", reason: "Allowed", host: "a.example", message: "" } as const;
  const { time, sandbox } = decided();
  const lines: EgressLine[] = [
    decided({ time: 1 }),
    decided({ ...allowed, time: 2 }),
    { kind: "end", seq: 3, time, sandbox, of: 2, host: "a.example", port: 443, bytesIn: 0, bytesOut: 0, durationMs: 1 },
    { kind: "lost", seq: 4, time, sandbox, count: 7, refused: 7 },
    decided({ host: "b.example", time: 5 }),
    decided({ time: 6 }),
    decided({ ...allowed, time: 7 }),
  ];
  expect(toDestinations(lines).map(({ verdict, host, times, at }) => [verdict, host, times, at])).toEqual([
    ["refused", "example.com", 2, 6],
    ["refused", "b.example", 1, 5],
    ["allowed", "a.example", 2, 7],
  ]);
});

describe("the rule that would open it", () => {
  test.each<[string, Partial<Decided>, string | null]>([
    ["a name", {}, "example.com"],
    ["a name with another port", { port: 8_443 }, "example.com:8443"],
    ["a private address", { reason: "SpecialAddress", host: "10.1.2.3", address: "10.1.2.3" }, "10.1.2.3"],
    ["a name that leads to a private address", { reason: "SpecialAddress", address: "10.1.2.3", port: 5_432 }, "10.1.2.3:5432"],
    ["an IPv6 address with a port", { reason: "SpecialAddress", host: "[fd00::1]", address: "fd00::1", port: 5_432 }, "[fd00::1]:5432"],
    ["what a rule denies", { reason: "Denied" }, null],
    ["the host", { reason: "ProtectedAddress", host: "172.17.0.1", address: "172.17.0.1" }, null],
    ["a name of another certificate", { reason: "SniMismatch" }, null],
    ["what is no host and port", { reason: "InvalidRequest", port: 0 }, null],
    ["what is allowed", { verdict: "allowed", reason: "Allowed" }, null],
  ])("%s", (_, edit, rule) => {
    expect(toRule(destinationOf(edit))).toBe(rule);
  });
});

describe("the rule in the config's text", () => {
  const place = (line: number, column: number) => ({ file: "openclaw.json", line, column });

  test("stands before the first one, whatever its quotes, and everything else stays as it is", () => {
    expect(withRule('{\n  allow: ["a.example"], // why\n}\n', place(2, 11), "b.example")).toBe(
      '{\n  allow: ["b.example", "a.example"], // why\n}\n',
    );
    expect(withRule("{ allow: [\n  'a.example',\n] }", place(2, 3), "b.example")).toBe("{ allow: [\n  \"b.example\", 'a.example',\n] }");
  });

  test("is the first of an empty list", () => {
    expect(withRule("{ allow: [] }", place(1, 3), "b.example")).toBe('{ allow: ["b.example"] }');
    expect(withRule("{ allow: [ ] }", place(1, 10), "b.example")).toBe('{ allow: ["b.example"] }');
  });

  test("is a text and no more, whatever a host is called", () => {
    const hostile = 'x"], deny: [], allow: ["*.com';
    expect(withRule('{ allow: ["a"] }', place(1, 11), hostile)).toBe(`{ allow: [${JSON.stringify(hostile)}, "a"] }`);
  });

  test("is not put where no list begins", () => {
    expect(withRule("{ allow: LIST }", place(1, 10), "b.example")).toBeNull();
    expect(withRule("{}", place(9, 1), "b.example")).toBeNull();
  });

  test("has its place from what explains the list", () => {
    const at = "agents.json:3:12";
    expect(
      toListPlace([
        { key: "egress.allow[1]", at: null },
        { key: "egress.allow[0]", at },
      ]),
    ).toEqual({ file: "agents.json", line: 3, column: 12 });
    expect(toListPlace([{ key: "egress.deny[0]", at }])).toBeNull();
  });
});
