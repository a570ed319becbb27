// Does what a command in a chat asks for, and says so. Which text is a command is decide/commands.ts's; who may give one was asked before.
import { MINUTE_MS, type SessionKey, toDurationMs, unreachable } from "../../api/brands.ts";
import type { Session } from "../../api/session.ts";
import { renderModelError } from "../models/model-error.ts";
import { ModelTurn } from "../models/model-turn.ts";
import type { AgentParts } from "./agent-parts.ts";
import type { AbortReport, Requester } from "./agent-port.ts";
import { isOwnerTool } from "./call-tool.ts";
import {
  renderActivation,
  renderChildren,
  renderHelp,
  renderModels,
  renderQueue,
  renderStatus,
  renderStopped,
  renderThinking,
  renderUsage,
  renderVerbose,
  renderWho,
  toModelSetting,
} from "./command-replies.ts";
import { Compactor } from "./compactor.ts";
import type { Conversation } from "./conversation.ts";
import type { Command } from "./decide/commands.ts";
import type { Directives } from "./decide/directives.ts";
import { keepChoices } from "./settings.ts";

export interface CommandRunnerParts extends AgentParts {
  stop(session: SessionKey): Promise<AbortReport>;
  isRunning(session: SessionKey): boolean;
  modelOf(conversation: Conversation): string;
  open(session: Session): Promise<Conversation>;
}

/** Of the call that writes the summary, with everything that is tried. */
const COMPACT_MS_MAX = toDurationMs(5 * MINUTE_MS);

type Asked = Exclude<Command, { kind: "steer" }>;

export class CommandRunner {
  readonly #parts: CommandRunnerParts;

  constructor(parts: CommandRunnerParts) {
    this.#parts = parts;
  }

  /** @returns what is said to who gave it */
  async run(conversation: Conversation, command: Asked, requester: Requester): Promise<string> {
    const { config, models, clock, service, stop, modelOf, log } = this.#parts;
    const { session } = conversation;
    const { key } = session.spec;
    log.info({ session: key, command: command.kind, by: `${requester.kind}:${requester.id}` }, "chat command");
    switch (command.kind) {
      case "stop":
        return renderStopped(await stop(key));
      case "new":
        return await this.#begin(conversation, command.model);
      case "compact":
        return await this.#compact(conversation, command.focus);
      case "status": {
        const facts = { conversation, config: config(), models, model: modelOf(conversation), now: clock.now() };
        return renderStatus({ ...facts, isSandboxed: service.isSandboxed(session) });
      }
      case "help":
        return renderHelp();
      case "whoami":
        return renderWho(requester);
      case "tools":
        return await this.#tools(conversation, requester);
      case "usage":
        return renderUsage(session, models);
      case "subagents":
        return await this.#children(key);
      case "model":
        return await this.#model(conversation, command.model);
      case "thinking":
        return renderThinking(conversation, config());
      case "verbose":
        return renderVerbose(conversation);
      case "queue":
        return renderQueue(conversation, config());
      case "set":
        return await this.#set(conversation, command.directives);
      case "activation":
        return await this.#activation(conversation, command.activation, requester);
      case "refused":
        return command.message;
      default:
        return unreachable(command);
    }
  }

  async #begin({ session }: Conversation, written: string | null): Promise<string> {
    const found = written === null ? null : toModelSetting(this.#parts.config(), written);
    if (found !== null && "problem" in found) return found.problem;
    await this.#parts.reset(session);
    return found === null ? "A new conversation begins." : await this.#chooseAnew(session.spec.key, found.reference);
  }

  async #chooseAnew(key: SessionKey, reference: string): Promise<string> {
    const { log } = await this.#parts.open(this.#parts.sessions.get(key));
    await log.append({ kind: "setting", name: "model", value: reference });
    return `A new conversation begins, with ${reference}.`;
  }

  async #compact({ session, log, going }: Conversation, focus: string): Promise<string> {
    if (going !== null) return "A run goes on; it is made shorter when it has to be. /stop ends it.";
    const { models, config, clock } = this.#parts;
    const owner = { sessionKey: session.spec.key, agentId: session.spec.agentId };
    const turn = models.turn(owner, config().assistant.compaction.model ?? log.setting("model"));
    if (!(turn instanceof ModelTurn)) return renderModelError(turn);
    const { keepRecentTokens, reserveTokens, keepsNames, isGuarded } = config().assistant.compaction;
    const compactor = new Compactor({ turn, window: { contextWindow: null, reserveTokens }, keepRecentTokens, keepsNames, isGuarded });
    const ended = new AbortController();
    const stopTimer = clock.setTimer(COMPACT_MS_MAX, () => ended.abort());
    try {
      const done = await compactor.compact({ runId: null, log, seen: await log.read(), why: "asked", focus, signal: ended.signal });
      if (done.kind === "done") return `Made shorter: about ${done.before} tokens are ${done.after} now.`;
      return done.error === null ? "There is nothing to make shorter yet." : `Not made shorter: ${renderModelError(done.error)}`;
    } finally {
      stopTimer();
    }
  }

  async #tools({ session }: Conversation, { isOwner }: Requester): Promise<string> {
    const isOnHost = !this.#parts.service.isSandboxed(session);
    const tools = await this.#parts.tools.list(session);
    const allowed = tools.filter(({ name, decision }) => decision.allowed && (isOwner || !isOwnerTool(name, isOnHost)));
    return allowed.map(({ name }) => name).join(", ") || "None.";
  }

  async #children(key: SessionKey): Promise<string> {
    const { sessions, service, open, isRunning } = this.#parts;
    const children = sessions.list().filter(({ spec }) => spec.parentKey === key && spec.endedAt === undefined);
    const shown = children.map(async (child) => ({ ...(await service.view(child)), label: (await open(child)).log.setting("label") }));
    return renderChildren(await Promise.all(shown), isRunning);
  }

  async #model(conversation: Conversation, written: string | null): Promise<string> {
    const { config, modelOf } = this.#parts;
    if (written === null) return `Model: ${modelOf(conversation)}`;
    if (written === "list") return renderModels(config(), conversation.session);
    if (written === "default") {
      await conversation.log.append({ kind: "setting", name: "model", value: null });
      return `Model: ${modelOf(conversation)}, as the config says.`;
    }
    const found = toModelSetting(config(), written);
    if ("problem" in found) return found.problem;
    await conversation.log.append({ kind: "setting", name: "model", value: found.reference });
    return `Model: ${found.reference}, in this conversation.`;
  }

  async #set(conversation: Conversation, directives: Directives): Promise<string> {
    const config = this.#parts.config();
    const { model } = directives;
    const found = model === null || model === "default" ? null : toModelSetting(config, model);
    if (found !== null && "problem" in found) return found.problem;
    await keepChoices(conversation.log, directives, found?.reference ?? null);
    const { alias = null } = directives.queue ?? {};
    return [
      ...(directives.thinking === null ? [] : [renderThinking(conversation, config)]),
      ...(directives.verbose === null ? [] : [renderVerbose(conversation)]),
      ...(model === null ? [] : [`Model: ${this.#parts.modelOf(conversation)}`]),
      ...(directives.queue === null ? [] : [renderQueue(conversation, config)]),
      ...(alias === null ? [] : [`(${alias} is an earlier word for it.)`]),
    ].join("\n");
  }

  async #activation(conversation: Conversation, activation: string | null, { isOwner }: Requester): Promise<string> {
    if (conversation.session.spec.kind !== "group") return "This is no group: whoever writes here speaks to the agent.";
    if (activation === null) return renderActivation(conversation);
    if (!isOwner) return "Only the owner may change that.";
    await conversation.log.append({ kind: "setting", name: "activation", value: activation === "default" ? null : activation });
    return renderActivation(conversation);
  }
}
