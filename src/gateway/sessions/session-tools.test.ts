// What is counted of the tool calls that every server makes. How they come about is the servers'; what they do, tools/.
import { expect, test } from "vitest";
import { toSessionKey } from "../../api/brands.ts";
import { mustParse } from "../../api/config/config.fixture.ts";
import type { OperationError } from "../../api/errors.ts";
import { sample } from "../http/server.fixture.ts";
import { GatewayMetrics } from "../metrics.ts";
import { ToolDispatcher } from "../tools/dispatch.ts";
import type { ToolEvent } from "../tools/tool-port.ts";
import { makeFolder, makeHostPort, noBrowsers, noSessions, sessionOf } from "../tools/world.fixture.ts";
import { SessionTools } from "./session-tools.ts";

function open(config: object) {
  const port = makeHostPort(makeFolder());
  const dispatcher = new ToolDispatcher({
    ...{ config: () => mustParse(JSON.stringify(config)), folders: { stateDir: "/state", home: "/home/x" } },
    ...{ sandbox: port, host: () => port, sessions: noSessions, browsers: noBrowsers, newId: () => "0123456789abcdef" },
  });
  const metrics = new GatewayMetrics({ version: "1", revision: "test", processMetrics: false });
  const tools = new SessionTools({ tools: dispatcher, sessions: { touch: async () => undefined }, metrics });
  const call = (tool: string) =>
    tools.call({ session: sessionOf(), tool, input: {}, signal: new AbortController().signal, emit: async () => undefined });
  const admit = async (tool: string): Promise<void> => tools.admit(sessionOf(), tool);
  const counted = (tool: string, result: string) => sample(metrics, `openclaw_gateway_tool_calls_total{tool="${tool}",result="${result}"}`);
  const denied = (tool: string) => sample(metrics, `openclaw_gateway_policy_denials_total{tool="${tool}"}`);
  return { tools, ways: [call, admit], counted, denied };
}

const codeOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => null,
    ({ code }: OperationError) => code,
  );

test("what the policy refuses is a denial at every server, also of a tool that this gateway does not have", async () => {
  const { ways, counted, denied } = open({ agents: { defaults: { sandbox: { mode: "all" } } }, tools: { deny: ["exec"] } });
  for (const way of ways) expect([await codeOf(way("bash")), await codeOf(way("gateway"))]).toEqual(["Forbidden", "Forbidden"]);
  expect([await denied("exec"), await denied("gateway"), await counted("gateway", "denied")]).toEqual([2, 2, 2]);
});

test("a name that is no tool's is a failed call at every server, and no denial", async () => {
  const { ways, counted, denied } = open({ agents: { defaults: { sandbox: { mode: "all" } } } });
  for (const way of ways) expect(await codeOf(way("no-such-tool"))).toBe("NotFound");
  expect([await counted("other", "error"), await denied("other")]).toEqual([2, 0]);
});

test("a session that ends takes its calls back and lets none begin until it has ended; those of others go on", async () => {
  const { tools } = open({ agents: { defaults: { sandbox: { mode: "all" } } } });
  const call = (key: string, command: string) =>
    codeOf(tools.call({ session: sessionOf(key), tool: "exec", input: { command }, signal: new AbortController().signal, emit: started }));
  const begun = Promise.withResolvers<void>();
  const started = async (event: ToolEvent): Promise<void> => void (event.kind === "stdout" && begun.resolve());
  const [mine, its] = [call("agent:main:main", "echo begun; sleep 60"), call("agent:main:other", "sleep 1")];
  await begun.promise;
  const late = await tools.interrupt(toSessionKey("agent:main:main"), async () => {
    expect(await mine).toBe("Aborted");
    return await call("agent:main:main", "true");
  });
  expect([late, await its, await call("agent:main:main", "true")]).toEqual(["Aborted", null, null]);
});
