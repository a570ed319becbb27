// What is counted of the tool calls that every door makes. How they come about is the doors'; what they do, tools/.
import { expect, test } from "vitest";
import { mustParse } from "../api/config/fixture.ts";
import type { OperationError } from "../api/errors.ts";
import { sample } from "./http/door.fixture.ts";
import { GatewayMetrics } from "./metrics.ts";
import { SessionTools } from "./session-tools.ts";
import { ToolDispatcher } from "./tools/dispatch.ts";
import { makeFolder, makeHostPort, noSessions, sessionOf } from "./tools/world.fixture.ts";

function open(config: object) {
  const port = makeHostPort(makeFolder());
  const dispatcher = new ToolDispatcher({
    ...{ config: () => mustParse(JSON.stringify(config)), folders: { stateDir: "/state", home: "/home/x" } },
    ...{ sandbox: port, host: () => port, sessions: noSessions, newId: () => "0123456789abcdef" },
  });
  const metrics = new GatewayMetrics({ version: "1", revision: "test", processMetrics: false });
  const tools = new SessionTools({ tools: dispatcher, sessions: { touch: async () => undefined }, metrics });
  const call = (tool: string) =>
    tools.call({ session: sessionOf(), tool, input: {}, signal: new AbortController().signal, emit: async () => undefined });
  const admit = async (tool: string): Promise<void> => tools.admit(sessionOf(), tool);
  const counted = (tool: string, result: string) => sample(metrics, `openclaw_gateway_tool_calls_total{tool="${tool}",result="${result}"}`);
  const denied = (tool: string) => sample(metrics, `openclaw_gateway_policy_denials_total{tool="${tool}"}`);
  return { ways: [call, admit], counted, denied };
}

const codeOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => null,
    ({ code }: OperationError) => code,
  );

test("what the policy refuses is a denial at every door, also of a tool that this gateway does not have", async () => {
  const { ways, counted, denied } = open({ agents: { defaults: { sandbox: { mode: "all" } } }, tools: { deny: ["exec"] } });
  for (const way of ways) expect([await codeOf(way("bash")), await codeOf(way("gateway"))]).toEqual(["Forbidden", "Forbidden"]);
  expect([await denied("exec"), await denied("gateway"), await counted("gateway", "denied")]).toEqual([2, 2, 2]);
});

test("a name that is no tool's is a failed call at every door, and no denial", async () => {
  const { ways, counted, denied } = open({ agents: { defaults: { sandbox: { mode: "all" } } } });
  for (const way of ways) expect(await codeOf(way("no-such-tool"))).toBe("NotFound");
  expect([await counted("other", "error"), await denied("other")]).toEqual([2, 0]);
});
