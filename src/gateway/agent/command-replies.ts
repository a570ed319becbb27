// What a command in a chat answers, without a model. Which text is a command is decide/commands.ts's; what changes the conversation is done by agent-service.ts.
import type { Config } from "../../api/config/config.ts";
import { renderReference } from "../../api/models/reference.ts";
import { isTarget, listModels, resolveModel } from "../../api/models/resolve.ts";
import type { QueueDrop } from "../../api/queue-modes.ts";
import { toSafeLine } from "../../api/safe-text.ts";
import type { Session } from "../../api/session.ts";
import type { ModelService } from "../models/model-service.ts";
import type { SessionView } from "../tools/tool-port.ts";
import type { AbortReport, Requester } from "./agent-port.ts";
import type { Conversation } from "./conversation.ts";
import { COMMANDS } from "./decide/commands.ts";
import { queueLimitsOf, queueModeOf, thinkingOf, verboseOf } from "./settings.ts";

export const renderHelp = (): string =>
  COMMANDS.map(({ name, arguments: words, about }) => `/${name}${words === "" ? "" : ` ${words}`}: ${about}`).join("\n");

export function renderWho({ kind, id, isOwner }: Requester): string {
  return `You are ${kind} ${toSafeLine(id)}${isOwner ? "; what only the owner may, you may" : ""}.`;
}

const plural = (count: number, one: string): string => `${count} ${one}${count === 1 ? "" : "s"}`;

export function renderStopped({ runs, queued, children, processes, unstoppable }: AbortReport): string {
  const parts = [
    ...(runs > 0 ? [plural(runs, "run")] : []),
    ...(queued > 0 ? [`${plural(queued, "message")} that waited`] : []),
    ...(children > 0 ? [`${plural(children, "run")} of spawned sessions`] : []),
    ...(processes > 0 ? [plural(processes, "background command")] : []),
  ];
  const stopped = parts.length === 0 ? "Nothing goes on here." : `Stopped: ${parts.join(", ")}.`;
  return unstoppable.length === 0 ? stopped : `${stopped} Not stopped: ${unstoppable.join("; ")}.`;
}

export interface StatusFacts {
  conversation: Conversation;
  config: Config;
  models: Pick<ModelService, "spent">;
  model: string;
  isSandboxed: boolean;
  now: number;
}

export function renderStatus({ conversation, config, models, model, isSandboxed, now }: StatusFacts): string {
  const { session, going, waiting } = conversation;
  const run = going === null ? "idle" : `a run goes on for ${Math.round((now - going.run.startedAt) / 1_000)} s`;
  return [
    `Session ${session.spec.key} (${isSandboxed ? "sandboxed" : "not sandboxed"}): ${run}${waiting.length > 0 ? `, ${plural(waiting.length, "message")} waiting` : ""}`,
    `Model: ${model}`,
    renderThinking(conversation, config),
    renderVerbose(conversation),
    renderQueue(conversation, config),
    ...(session.spec.kind === "group" ? [renderActivation(conversation)] : []),
    renderUsage(session, models),
  ].join("\n");
}

type Settled = Pick<Conversation, "session" | "log">;

export function renderThinking({ session, log }: Settled, config: Config): string {
  const level = thinkingOf(log, { config, agentId: session.spec.agentId }, null);
  return `Thinking: ${level ?? "as the provider does by itself"}${log.setting("thinking") === null ? "" : ", in this conversation"}`;
}

export const renderVerbose = ({ log }: Settled): string => `Verbose: ${verboseOf(log, null) ?? "as each client shows it"}`;

const DROPS: Readonly<Record<QueueDrop, string>> = {
  new: "one more is refused",
  old: "then the oldest is dropped",
  summarize: "then of the oldest only the beginning is told",
};

export function renderQueue({ log }: Settled, config: Config): string {
  const { debounceMs, cap, drop } = queueLimitsOf(log, config);
  return `Queue: ${queueModeOf(log, config)}; ${cap} may wait, ${DROPS[drop]}; taken after ${debounceMs} ms of quiet`;
}

export const renderActivation = ({ log }: Settled): string =>
  `Activation: ${log.setting("activation") === "mention" ? "mention (who speaks to the agent gets an answer)" : "always (it may say nothing)"}`;

export function renderUsage({ spec }: Session, models: Pick<ModelService, "spent">): string {
  const { session } = models.spent({ sessionKey: spec.key, agentId: spec.agentId });
  const cost = session.usd > 0 ? `, $${session.usd.toFixed(4)}` : "";
  const unpriced = session.unpriced > 0 ? ` (${plural(session.unpriced, "call")} without a price)` : "";
  return `Used: ${plural(session.calls, "call")}, ${session.input} tokens in, ${session.output} out${cost}${unpriced}`;
}

export function renderModels(config: Config, { spec }: Session): string {
  const configured = listModels(config, spec.agentId).map((one) =>
    isTarget(one) ? renderReference(one) : `${one.written} (${one.message})`,
  );
  const others = Object.entries(config.models.providers).flatMap(([provider, { models }]) => models.map(({ id }) => `${provider}/${id}`));
  return [...new Set([...configured, ...others])].join("\n") || "The config names no model.";
}

/** The reference that is meant, or why it can't be used. */
export function toModelSetting(config: Config, written: string): { reference: string } | { problem: string } {
  const found = resolveModel(config, written);
  return isTarget(found)
    ? { reference: renderReference(found) }
    : { problem: `The model "${toSafeLine(found.written)}" can't be used: ${found.message} (${found.fix})` };
}

type Child = SessionView & { label: string | null };

export function renderChildren(children: readonly Child[], isRunning: (key: SessionView["key"]) => boolean): string {
  if (children.length === 0) return "This session has begun no others.";
  const named = ({ key, label }: Child): string => (label === null ? key : `${key} (${toSafeLine(label)})`);
  return children
    .map((child) => `${named(child)}: ${isRunning(child.key) ? "at work" : "idle"}, ${plural(child.messages, "message")}`)
    .join("\n");
}
