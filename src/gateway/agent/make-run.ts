// Makes the run of a conversation as the config and the session are now: which model, which limits, which prompt, whose rights. What it does is run.ts's.
import { toDurationMs } from "../../api/brands.ts";
import type { Heartbeat } from "../../api/config/assistant.ts";
import { findAgent } from "../../api/config/config.ts";
import { resolveAgentSandbox } from "../../api/config/effective.ts";
import { REMARK_LENGTH_MAX } from "../../api/silence.ts";
import type { ModelError } from "../models/model-call.ts";
import { ModelTurn } from "../models/model-turn.ts";
import type { AgentParts } from "./agent-parts.ts";
import type { RunId } from "./agent-port.ts";
import { Compactor } from "./compactor.ts";
import type { Conversation } from "./conversation.ts";
import { type PromptFacts, type PromptFile, renderPrompt } from "./decide/prompt.ts";
import type { RunLimits } from "./decide/run-step.ts";
import { toHeartbeatId } from "./entries.ts";
import { InputReader } from "./input-reader.ts";
import { MemoryFlush } from "./memory-flush.ts";
import { Run } from "./run.ts";
import type { RunFeed } from "./run-events.ts";
import type { Input } from "./run-log.ts";
import { modelOf, thinkingOf, timeoutOf, wishOf } from "./settings.ts";

interface RunOrder extends AgentParts {
  conversation: Conversation;
  /** At least one. */
  inputs: readonly Input[];
  runId: RunId;
  feed: RunFeed;
}

export function makeRun(order: RunOrder): Run | ModelError {
  const { conversation, runId, feed, models, tools, service, clock, log: programLog, failed, readFile } = order;
  const { session, log } = conversation;
  const preferred = modelOf(log, wishOf(order.inputs, "model"));
  const owner = { sessionKey: session.spec.key, agentId: session.spec.agentId };
  const [turn, first] = [models.turn(owner, preferred), models.first(owner, preferred)];
  if (!(turn instanceof ModelTurn)) return turn;
  if ("failure" in first) return first;
  const isSandboxed = service.isSandboxed(session);
  const isGroup = session.spec.kind === "group" && log.setting("activation") !== "mention";
  const isSilenceAllowed = order.inputs.every(({ origin }) => origin !== "chat") || isGroup;
  const limits = toLimits(order);
  const compactor = toCompactor(order, turn, first.contextWindow);
  const { memoryFlush, isTold } = order.config().assistant.compaction;
  const beat = beatOf(order);
  // Once for each run: what it writes there counts from the next one, and what providers cache of it stays the same.
  let read: Promise<readonly PromptFile[]> | null = null;
  const files = (): Promise<readonly PromptFile[]> => {
    read ??= order.promptFiles(session).then((all) => all.filter(({ name }) => beat?.isLight !== true || name === "HEARTBEAT.md"));
    return read;
  };
  return new Run({
    ...{ runId, log, turn, limits, clock, session, tools, isSilenceAllowed, failed },
    hops: Math.max(...order.inputs.map(({ hops }) => hops)),
    remarkLengthMax: beat?.remarkLengthMax ?? REMARK_LENGTH_MAX,
    model: `${first.provider}/${first.model}`,
    isOnHost: !isSandboxed,
    resultCharactersMax: limits.resultCharactersMax,
    compactor,
    memory: new MemoryFlush({ settings: memoryFlush, compactor, log, clock }),
    isCompactionTold: isTold,
    inputs: new InputReader({ session, readFile }),
    thinking: (inputs) => thinkingOf(log, { config: order.config(), agentId: session.spec.agentId }, wishOf(inputs, "thinking")),
    verbose: wishOf(order.inputs, "verbose"),
    prompt: async (names) => toPrompt(order, names, { isSandboxed, isSilenceAllowed, files: await files() }),
    tell: (event) => feed.tell(event),
    began: (processId) => conversation.began(processId),
    refused: (tool, because) =>
      programLog.warn({ session: session.spec.key, runId, tool: tool.slice(0, 80), because }, "call of a model refused"),
  });
}

/** The heartbeat that alone speaks. null: somebody else does too */
function beatOf({ config, conversation, inputs }: RunOrder): Heartbeat | null {
  const { agentId } = conversation.session.spec;
  const isBeat = inputs.every(({ requester }) => requester.kind === "schedule" && requester.id === toHeartbeatId(agentId));
  return isBeat ? (findAgent(config(), agentId)?.heartbeat ?? config().assistant.heartbeat) : null;
}

function toLimits({ config, conversation, inputs }: RunOrder): RunLimits {
  const { runMsMax, childRunMsMax, stepsMax, repeatsMax, resultCharactersMax } = config().assistant;
  const configured = conversation.session.spec.parentKey === undefined ? runMsMax : (childRunMsMax ?? runMsMax);
  const asked = [timeoutOf(conversation.log), ...inputs.map(({ timeoutMs }) => timeoutMs)].filter((one) => one !== null);
  return { stepsMax, repeatsMax, resultCharactersMax, timeMsMax: toDurationMs(Math.min(configured, ...asked)) };
}

function toCompactor({ config, conversation, models }: RunOrder, turn: ModelTurn, contextWindow: number | null): Compactor {
  const { model, keepRecentTokens, reserveTokens, keepsNames, isGuarded } = config().assistant.compaction;
  const { key, agentId } = conversation.session.spec;
  const own = model === null ? turn : models.turn({ sessionKey: key, agentId }, model);
  return new Compactor({
    ...{ keepRecentTokens, keepsNames, isGuarded },
    turn: own instanceof ModelTurn ? own : turn,
    window: { contextWindow, reserveTokens },
  });
}

function toPrompt(
  { config, conversation, folders }: RunOrder,
  tools: readonly string[],
  { isSandboxed, ...facts }: Pick<PromptFacts, "isSilenceAllowed" | "files"> & { isSandboxed: boolean },
): string {
  const { key, agentId, parentKey } = conversation.session.spec;
  const settings = resolveAgentSandbox(config(), agentId, folders);
  return renderPrompt({
    agentName: findAgent(config(), agentId)?.name ?? agentId,
    sessionKey: key,
    sandbox: isSandboxed && settings !== undefined ? { ...settings.docker, workspaceAccess: settings.workspaceAccess } : null,
    workdir: (isSandboxed ? settings?.docker.workdir : settings?.agentWorkspace) ?? "/",
    tools,
    ...facts,
    isChild: parentKey !== undefined,
  });
}
