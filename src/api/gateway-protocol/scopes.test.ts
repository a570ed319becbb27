import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { allows, SCOPES, type Scope, toScopes } from "./scopes.ts";

describe("allows", () => {
  const table: readonly (readonly [granted: Scope[], allowed: Scope[]])[] = [
    [[], []],
    [["operator.read"], ["operator.read"]],
    [["operator.write"], ["operator.read", "operator.write"]],
    [["operator.admin"], ["operator.read", "operator.write", "operator.admin"]],
    [["operator.approvals"], ["operator.approvals"]],
    [["operator.pairing"], ["operator.pairing"]],
  ];
  for (const [granted, allowed] of table) {
    it(`${granted.join(", ") || "nothing"} allows ${allowed.join(", ") || "nothing"}`, () => {
      expect(SCOPES.filter((scope) => allows(granted, scope))).toEqual(allowed);
    });
  }
});

test("unknown words are no scopes", () => {
  expect(toScopes(["operator.write", "operator.root", "*", "operator.read", "operator.write"])).toEqual([
    "operator.read",
    "operator.write",
  ]);
});

test("what is within a grant opens nothing that the grant does not", () => {
  const some = fc.uniqueArray(fc.constantFrom(...SCOPES));
  fc.assert(
    fc.property(some, some, (asked, granted) => {
      fc.pre(asked.every((scope) => allows(granted, scope)));
      for (const scope of SCOPES) if (allows(asked, scope)) expect(allows(granted, scope)).toBe(true);
    }),
  );
});
