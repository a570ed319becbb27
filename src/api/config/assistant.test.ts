// How the assistant works, as the config says it: in this program and behind the gateway's part of it, with upstream's words that mean nothing here.
import { expect, test } from "vitest";
import { issuesOf, mustParse } from "./config.fixture.ts";
import { toConfigOfPart, toGatewayPart } from "./gateway-part.ts";

test("efforts are each agent's own, else those of all, and get to the gateway; a word that is none is warned of and not used", () => {
  const text = `{ agents: { defaults: { thinkingDefault: "Medium" }, list: [{ id: "main" }, { id: "work", thinkingDefault: "max" }, { id: "x", thinkingDefault: "ultra" }] } }`;
  const config = toConfigOfPart(toGatewayPart(mustParse(text)));
  expect([config.assistant.thinking, ...config.agents.map(({ thinking }) => thinking)]).toEqual(["medium", null, "xhigh", null]);
  expect(issuesOf(text)).toEqual([
    'openclaw.json:1:145: warning: agents.list[2].thinkingDefault: "ultra" is no effort that is known here, so the provider\'s default is used (one of off, minimal, low, medium, high, xhigh)',
  ]);
});

test("the queue's options are complete with their defaults, and get to the gateway", () => {
  const limitsOf = (text: string) => toConfigOfPart(toGatewayPart(mustParse(text))).assistant.queueLimits;
  expect(limitsOf("{}")).toEqual({ debounceMs: 500, cap: 20, drop: "new" });
  expect(limitsOf(`{ messages: { queue: { debounceMs: 0, cap: 3, drop: "old", byChannel: {} } } }`)).toEqual({
    debounceMs: 0,
    cap: 3,
    drop: "old",
  });
  expect(issuesOf(`{ messages: { queue: { drop: "all" } } }`)).toHaveLength(1);
});

test("heartbeats and compaction are complete with their defaults, get to the gateway, and a channel that is not here is warned of", () => {
  const heartbeat = `{ every: "30m", target: "telegram", isolatedSession: true, lightContext: true, model: "a/b", ackMaxChars: 0 }`;
  const text = `{ agents: { defaults: { heartbeat: ${heartbeat}, compaction: { mode: "default", notifyUser: true, memoryFlush: { enabled: true } } } } }`;
  const { assistant } = toConfigOfPart(toGatewayPart(mustParse(text)));
  expect(assistant.heartbeat).toMatchObject({ target: "owner", isIsolated: true, isLight: true, model: "a/b", remarkLengthMax: 0 });
  expect(assistant.compaction).toMatchObject({ isGuarded: false, isTold: true, memoryFlush: { softThresholdTokens: 4_000, prompt: null } });
  expect(issuesOf(text)).toEqual([expect.stringContaining('agents.defaults.heartbeat.target: "telegram" is no channel that is here')]);
  const plain = toConfigOfPart(toGatewayPart(mustParse("{}"))).assistant.compaction;
  expect(plain).toMatchObject({ isGuarded: true, isTold: false, memoryFlush: null });
});
