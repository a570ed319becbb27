// What `openclaw doctor` says of the lists of sandboxes.
import { expect, test } from "vitest";
import { toEpochMs, toSandboxName } from "../../api/brands.ts";
import type { Condition } from "../../api/condition.ts";
import type { Sandbox } from "../../api/sandbox.ts";
import { judgeEgress } from "./egress-checks.ts";

function sandboxOf(name: string, egress: Pick<Condition, "status" | "message"> | null): Pick<Sandbox, "metadata" | "status"> {
  const at = toEpochMs(0);
  const conditions = egress === null ? [] : [{ type: "Egress", reason: "x", observedGeneration: 1, lastTransitionTime: at, ...egress }];
  return { metadata: { name: toSandboxName(name), generation: 1, createdAt: at }, status: { conditions } as unknown as Sandbox["status"] };
}

const IN_FORCE = { status: "True", message: "the list is in force" } as const;
const CLOSED = { status: "False", message: "the network is closed: the image is missing" } as const;

test("nothing is said where no sandbox has a list", () => {
  expect(judgeEgress([sandboxOf("a", null)])).toEqual([]);
});

test("lists in force are one line", () => {
  expect(judgeEgress([sandboxOf("a", IN_FORCE), sandboxOf("b", null)])).toMatchObject([
    { level: "ok", message: "the list of a sandbox is in force" },
  ]);
  expect(judgeEgress([sandboxOf("a", IN_FORCE), sandboxOf("b", IN_FORCE)])).toMatchObject([
    { message: "the lists of 2 sandboxes are in force" },
  ]);
});

test("a closed network is a warning with its reason, the first by name and the others by number", () => {
  expect(judgeEgress([sandboxOf("a", IN_FORCE), sandboxOf("b", CLOSED), sandboxOf("c", CLOSED)])).toEqual([
    {
      check: "egress",
      level: "warn",
      message: "b, and 1 more: the network is closed: the image is missing",
      fix: "openclaw sandbox describe b",
    },
  ]);
});
