// The grammar of names, as every command and HTTP share it.
import { describe, expect, test } from "vitest";
import { toAgentId, toSandboxName, toScopeKey } from "../../api/brands.ts";
import { OperationError } from "../../api/errors.ts";
import type { Sandbox } from "../../api/sandbox.ts";
import { sandboxOf } from "../servers/server.fixture.ts";
import { findNamedSandbox, type GivenSandbox, type NameInputs } from "./named-sandbox.ts";

function sandbox(scopeKey: string, edit: Partial<Sandbox["spec"]> = {}): Sandbox {
  const agentId = scopeKey === "shared" ? null : toAgentId(scopeKey.split(":")[1] ?? "");
  const scope = scopeKey === "shared" ? "shared" : scopeKey.split(":").length === 2 ? "agent" : "session";
  const name = toSandboxName(`openclaw-sbx-${edit.kind === "browser" ? "browser-" : ""}${scopeKey.replaceAll(":", "-")}-0f3c2a91`);
  return sandboxOf({ name, spec: { scopeKey: toScopeKey(scopeKey), agentId, scope, ...edit } });
}

const SANDBOXED: Omit<GivenSandbox, "scopeKey"> = { isSandboxed: true, because: "sandbox.mode is all", fix: "" };
const perSession: NameInputs["givenTo"] = (key) => ({ ...SANDBOXED, scopeKey: key });
const perAgent: NameInputs["givenTo"] = (key) => ({ ...SANDBOXED, scopeKey: key.split(":").slice(0, 2).join(":") });

interface World {
  sandboxes: Sandbox[];
  sessions?: string[];
  givenTo?: NameInputs["givenTo"];
}

function find(text: string, { sandboxes, sessions = [], givenTo = perAgent }: World): string {
  const agents = ["main", "work"].map((id, at) => ({ id, isDefault: at === 0 }));
  try {
    const named = findNamedSandbox(text, { sandboxes, agents, hasSession: (key) => sessions.includes(key), givenTo });
    return named.kind === "found" ? named.sandbox.spec.scopeKey : `awaits ${named.scopeKey}: ${named.error.fix}`;
  } catch (error) {
    if (!(error instanceof OperationError)) throw error;
    return `${error.code}: ${error.message}; ${error.fix}`;
  }
}

describe("an agent's id", () => {
  test("means its sandbox of scope agent first, then its main session's, then the only one", () => {
    const all = ["agent:work", "agent:work:main", "agent:work:direct:1"].map((key) => sandbox(key));
    expect(find("work", { sandboxes: all, givenTo: perSession })).toBe("agent:work");
    expect(find("work", { sandboxes: all.slice(1), givenTo: perSession })).toBe("agent:work:main");
    expect(find("work", { sandboxes: all.slice(2), givenTo: perSession })).toBe("agent:work:direct:1");
    expect(find("agent:work", { sandboxes: all })).toBe("agent:work");
  });

  test("means the sandbox that it shares, and never a browser's where there is a tools sandbox", () => {
    const givenTo: World["givenTo"] = () => ({ ...SANDBOXED, scopeKey: "shared" });
    expect(find("work", { sandboxes: [sandbox("shared")], givenTo })).toBe("shared");
    const browser = sandbox("agent:work", { kind: "browser" });
    const named = findNamedSandbox("work", {
      ...{ sandboxes: [browser, sandbox("agent:work")], agents: [{ id: "work", isDefault: true }] },
      ...{ hasSession: () => false, givenTo: perAgent },
    });
    expect(named).toMatchObject({ kind: "found", sandbox: { spec: { kind: "tools" } } });
  });

  test("of several sandboxes, none of which comes first, lists what to type", () => {
    const sandboxes = ["agent:work:direct:1", "agent:work:direct:2"].map((key) => sandbox(key));
    expect(find("work", { sandboxes, givenTo: perSession })).toBe(
      'InvalidArgument: "work" could be any of 2 sandboxes; type one of: agent:work:direct:1, agent:work:direct:2',
    );
  });

  test("prefers what the config still wants to what is about to go", () => {
    const sandboxes = [sandbox("agent:work:direct:1", { wanted: false }), sandbox("agent:work:direct:2")];
    expect(find("work", { sandboxes, givenTo: perSession })).toBe("agent:work:direct:2");
  });

  test("without a sandbox says what creates one, or which key keeps it from having one", () => {
    expect(find("work", { sandboxes: [] })).toBe("awaits agent:work: openclaw session create agent:work:main");
    expect(find("work", { sandboxes: [], sessions: ["agent:work:main"] })).toBe(
      "awaits agent:work: openclaw session send agent:work:main hello",
    );
    const givenTo: World["givenTo"] = (scopeKey) => ({
      scopeKey,
      isSandboxed: false,
      because: "sandbox.mode is off",
      fix: "set it to all",
    });
    expect(find("work", { sandboxes: [], givenTo })).toBe("NotFound: agent work has no sandbox: sandbox.mode is off; set it to all");
  });
});

describe("a session's key", () => {
  test("full or short, means the sandbox that the config gives it", () => {
    const sandboxes = [sandbox("agent:main"), sandbox("agent:work:direct:1"), sandbox("agent:main:direct:1")];
    expect(find("agent:main:main", { sandboxes })).toBe("agent:main");
    expect(find("agent:main:direct:7", { sandboxes, sessions: ["agent:main:direct:7"] })).toBe("agent:main");
    expect(find("agent:work:direct:1", { sandboxes, givenTo: perSession })).toBe("agent:work:direct:1");
    expect(find("direct:1", { sandboxes, givenTo: perSession })).toBe("agent:main:direct:1");
    expect(find("shared", { sandboxes: [sandbox("shared")] })).toBe("shared");
  });

  test("of no session and no sandbox is the name of nothing", () => {
    expect(find("agent:main:direct:7", { sandboxes: [sandbox("agent:main")] })).toContain("there is no sandbox, agent or session");
    expect(find("agent:main:direct:7", { sandboxes: [], sessions: ["agent:main:direct:7"] })).toContain("awaits agent:main");
  });
});

test("a whole name is itself, the beginning of one name is that one, and of several lists what to type", () => {
  const sandboxes = [sandbox("agent:main"), sandbox("agent:work:direct:1")];
  expect(find("openclaw-sbx-agent-main-0f3c2a91", { sandboxes })).toBe("agent:main");
  expect(find("openclaw-sbx-agent-w", { sandboxes })).toBe("agent:work:direct:1");
  expect(find("openclaw", { sandboxes })).toBe(
    'InvalidArgument: "openclaw" could be any of 2 sandboxes; type one of: main, agent:work:direct:1',
  );
});

test("the name of nothing is said so, with the nearest name or what there is, and cut", () => {
  expect(find("wrok", { sandboxes: [] })).toBe('NotFound: there is no sandbox, agent or session "wrok"; did you mean "work"?');
  expect(find("nobody", { sandboxes: [] })).toContain("configured agents: main, work; list sandboxes with: openclaw sandbox list --all");
  expect(find("x".repeat(9_000), { sandboxes: [] }).length).toBeLessThan(300);
  expect(find("", { sandboxes: [sandbox("agent:main")] })).toContain("NotFound");
});
