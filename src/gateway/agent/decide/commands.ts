// Tells commands apart from what is said to the agent: `/status`, `/model openai/x`, or a bare word that stops. Pure.
// Who may give one is decided before; what each does is command-runner.ts's, what may stand in other text directives.ts's.
import { QUEUE_MODES, toQueueWish } from "../../../api/queue-modes.ts";
import { ACTIVATIONS, type Activation, THINKING_LEVELS, toThinkingWish, toVerboseWish, VERBOSE_LEVELS } from "../../../api/thinking.ts";
import { type Directives, NO_DIRECTIVES, takeDirectives } from "./directives.ts";

/** Whole messages, in any case, that end what goes on: whoever types them does not look for a slash. */
const STOP_WORDS: readonly string[] = ["stop", "esc", "abort", "wait", "exit", "interrupt"];

export type Command =
  | { kind: "stop" }
  /** @property model a reference or an alias; null: as before */
  | { kind: "new"; model: string | null }
  | { kind: "compact"; focus: string }
  | { kind: "status" }
  | { kind: "help" }
  | { kind: "whoami" }
  | { kind: "tools" }
  | { kind: "usage" }
  | { kind: "subagents" }
  /** @property model null: say which one it is; `default`: the config's */
  | { kind: "model"; model: string | null }
  /** Say which one it is. */
  | { kind: "thinking" | "verbose" | "queue" }
  /** For the conversation, from now on. */
  | { kind: "set"; directives: Directives }
  /** @property activation null: say which one it is */
  | { kind: "activation"; activation: Activation | "default" | null }
  | { kind: "steer"; text: string }
  /** A word with a slash that is known elsewhere or wrong here. */
  | { kind: "refused"; message: string };

export interface CommandFacts {
  name: string;
  arguments: string;
  about: string;
}

/** For `/help`, menus, and documentation. */
export const COMMANDS: readonly CommandFacts[] = [
  { name: "new", arguments: "[model]", about: "begin a new conversation (also /reset)" },
  { name: "stop", arguments: "", about: "end what goes on, with children and the commands they began" },
  { name: "compact", arguments: "[focus]", about: "replace earlier parts of the conversation by a summary" },
  { name: "status", arguments: "", about: "what goes on, which model answers, what was used" },
  { name: "model", arguments: "[name|list|default]", about: "which model answers in this conversation" },
  {
    name: "think",
    arguments: `[${THINKING_LEVELS.join("|")}|default]`,
    about: "how hard the model thinks; in other text: for that message",
  },
  { name: "verbose", arguments: `[${VERBOSE_LEVELS.join("|")}|default]`, about: "how much is shown of what the agent does" },
  {
    name: "queue",
    arguments: `[${QUEUE_MODES.join("|")}|default] [debounce:2s] [cap:20] [drop:new|old|summarize]`,
    about: "what a message does while the agent still works, and how many may wait",
  },
  { name: "activation", arguments: `[${ACTIVATIONS.join("|")}|default]`, about: "whether the agent must answer in a group" },
  { name: "steer", arguments: "TEXT", about: "say this to the run that goes on, whatever the queue mode" },
  { name: "subagents", arguments: "", about: "sessions that this one began, and how they are" },
  { name: "tools", arguments: "", about: "tools that the agent may use for you here" },
  { name: "usage", arguments: "", about: "tokens and cost of this conversation" },
  { name: "whoami", arguments: "", about: "how you are known here (also /id)" },
  { name: "help", arguments: "", about: "this list (also /commands)" },
];

/** Upstream's that mean nothing here yet: they must not be said to the model as if they were text. */
const ELSEWHERE: readonly string[] = [
  "bash",
  "config",
  "debug",
  "elevated",
  "exec",
  "mcp",
  "plugins",
  "reasoning",
  "restart",
  "send",
  "approve",
];

/** As upstream bounds it. */
const FOCUS_LENGTH_MAX = 800;

export type Reading = { kind: "command"; command: Command } | { kind: "said"; text: string; directives: Directives };

/** A message of somebody who may give commands. @param isModel whether a word names a model that may be asked */
export function readMessage(text: string, isModel: (word: string) => boolean): Reading {
  const command = parseCommand(text);
  if (command !== null) return { kind: "command", command };
  const { count, ...said } = takeDirectives(text, isModel);
  if (count > 0 && said.text === "") return { kind: "command", command: { kind: "set", directives: said.directives } };
  const [, name] = /^\s*\/(thinking|think|t|verbose|v|model|queue)(?=[:\s])/i.exec(text) ?? [];
  if (count > 0 || name === undefined) return { kind: "said", ...said };
  return { kind: "command", command: { kind: "refused", message: `/${name} does not take that; /help lists the commands` } };
}

/** The whole of it. null: it is said to the agent, but for what stands in it. */
export function parseCommand(text: string): Command | null {
  const trimmed = text.trim();
  if (STOP_WORDS.includes(trimmed.toLowerCase())) return { kind: "stop" };
  const found = /^\/([a-z][a-z_-]{0,31})(?:@\S+)?(?::?\s+([\s\S]*))?$/i.exec(trimmed);
  if (found === null) return null;
  const [, name = "", rest = ""] = found;
  return toCommand(name.toLowerCase(), rest.trim());
}

function toCommand(name: string, rest: string): Command | null {
  switch (name) {
    case "stop":
    case "abort":
      return { kind: "stop" };
    case "new":
    case "reset":
      return { kind: "new", model: rest === "" ? null : rest };
    case "compact":
      return { kind: "compact", focus: [...rest].slice(0, FOCUS_LENGTH_MAX).join("") };
    case "help":
    case "commands":
      return { kind: "help" };
    case "whoami":
    case "id":
      return { kind: "whoami" };
    case "status":
    case "tools":
    case "usage":
    case "subagents":
      return { kind: name };
    case "model":
      if (/\s/.test(rest)) return null;
      return { kind: "model", model: rest === "" || rest === "status" ? null : rest };
    case "think":
    case "thinking":
    case "t":
      return toChoice("thinking", rest, toThinkingWish);
    case "verbose":
    case "v":
      return toChoice("verbose", rest, toVerboseWish);
    case "queue":
      return toChoice("queue", rest, toQueueWish);
    case "activation":
      return toActivation(rest);
    case "steer":
      return rest === "" ? { kind: "refused", message: "say what to steer by: /steer TEXT" } : { kind: "steer", text: rest };
    default:
      return ELSEWHERE.includes(name) ? { kind: "refused", message: `/${name} is not here; /help lists the commands` } : null;
  }
}

/** null: more than a choice stands there, so that it is for that message alone, if for anything. */
function toChoice<Name extends "thinking" | "verbose" | "queue">(
  name: Name,
  rest: string,
  parse: (text: string) => Directives[Name],
): Command | null {
  if (rest === "") return { kind: name };
  const wish = parse(rest);
  return wish === null ? null : { kind: "set", directives: { ...NO_DIRECTIVES, [name]: wish } };
}

function toActivation(rest: string): Command {
  const activation = [...ACTIVATIONS, "default" as const].find((word) => word === rest.toLowerCase());
  if (rest !== "" && activation === undefined) return { kind: "refused", message: `/activation ${ACTIVATIONS.join(", ")}, or default` };
  return { kind: "activation", activation: activation ?? null };
}
