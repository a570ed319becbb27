// What a caller who names a session may do: in which sandbox, with which tools and commands, and beginning where. Over a controller's desired state.
import { expect, test } from "vitest";
import type { CommandRequest, SandboxTool } from "../../api/wire.ts";
import { until } from "../fixtures/docker.fixture.ts";
import { createModel } from "../fixtures/model.fixture.ts";
import { SessionGate } from "../servers/session-gate.ts";

const KEY = "agent:main:chat";

/** Agent `main` has a sandbox for each session and may not write; agent `team` has one for all. */
async function createGate() {
  const model = await createModel();
  const list = [
    { id: "main", tools: { deny: ["write"] } },
    { id: "team", sandbox: { scope: "agent" } },
    { id: "host", sandbox: { mode: "off" } },
  ];
  await model.site.writeConfig({ agents: { defaults: { sandbox: { mode: "all", scope: "session" } }, list } });
  const createdAt = model.clock.now();
  for (const agent of ["main", "team", "host"]) await model.site.putSession(agent, "chat", { createdAt });
  await model.site.putSession("main", "over", { createdAt, endedAt: createdAt });
  await model.start();
  const { desired, statuses } = model.controller;
  await until("the sessions are noticed", () => desired.names().length === 2);
  return {
    model,
    gate: new SessionGate({
      desired,
      statuses: () => statuses.list(),
      statusOf: (name) => statuses.get(name) ?? null,
      fullness: () => null,
    }),
  };
}

const run = (workdir: string): CommandRequest => ({ argv: ["/bin/sh", "-c", "true"], workdir }) as CommandRequest;

test("a session has the tools that its agent's policy leaves it, in its own sandbox, and no other session has any", async () => {
  const { gate, model } = await createGate();
  expect(gate.admit(KEY, "exec")).toMatchObject({ agentId: "main", sandbox: model.site.nameOf(KEY) });
  expect(() => gate.admit(KEY, "write")).toThrow(/deny "write"/);
  for (const key of ["agent:main:none", "agent:main:over", "agent:host:chat", "agent:none:chat", "", "x".repeat(2_000)])
    expect(() => gate.admit(key, "exec"), key.slice(0, 20)).toThrow(/no live sandboxed session/);
});

test("a tool that runs scripts of its own runs no other command", async () => {
  const { gate } = await createGate();
  const tools: SandboxTool[] = ["read", "media"];
  for (const tool of tools) expect(() => gate.checkCommand(KEY, tool, run("/workspace"))).toThrow(/its own scripts only/);
});

test("a command begins in the workspace or the agent's folder, or under one of them, however its folder is written", async () => {
  const { gate } = await createGate();
  for (const workdir of ["/workspace", "/workspace/a/b", "/agent", "/agent/x"])
    expect(() => gate.checkWorkdir(KEY, { workdir })).not.toThrow();
  for (const workdir of [
    "/",
    "/etc",
    "/workspaces",
    "/agent-x",
    "/workspace/../etc",
    "/workspace/a/../../etc",
    "workspace",
    "",
    "//workspace",
  ])
    expect(() => gate.checkWorkdir(KEY, { workdir }), workdir).toThrow(/the workdir must be in/);
});

test("the end of a session takes the sandbox that is its own, and none that other sessions have too", async () => {
  const { gate, model } = await createGate();
  expect(gate.ownSandbox(KEY)).toBe(model.site.nameOf(KEY));
  expect(gate.ownSandbox("agent:team:chat")).toBeNull();
});
