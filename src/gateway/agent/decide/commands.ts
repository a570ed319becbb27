// Tells commands apart from what is said to the agent: `/status`, `/model openai/x`, or a bare word that stops. Pure.
// Who may give one is decided before; what each does is command-replies.ts's.
import { QUEUE_MODES, type QueueMode, toQueueMode } from "../../../api/queue-modes.ts";

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
  /** @property mode null: say which one it is @property alias the earlier word that was written for it */
  | { kind: "queue"; mode: QueueMode | "default" | null; alias: string | null }
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
  { name: "queue", arguments: `[${QUEUE_MODES.join("|")}|default]`, about: "what a message does while the agent still works" },
  { name: "steer", arguments: "TEXT", about: "say this to the run that goes on, whatever the queue mode" },
  { name: "subagents", arguments: "", about: "sessions that this one began, and how they are" },
  { name: "tools", arguments: "", about: "tools that the agent may use for you here" },
  { name: "usage", arguments: "", about: "tokens and cost of this conversation" },
  { name: "whoami", arguments: "", about: "how you are known here (also /id)" },
  { name: "help", arguments: "", about: "this list (also /commands)" },
];

/** Upstream's that mean nothing here yet: they must not be said to the model as if they were text. */
const ELSEWHERE: readonly string[] = [
  "activation",
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
  "think",
  "verbose",
  "approve",
];

/** As upstream bounds it. */
const FOCUS_LENGTH_MAX = 800;

/** null: it is said to the agent. */
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
      return { kind: "model", model: rest === "" || rest === "status" ? null : rest };
    case "queue":
      return toQueue(rest);
    case "steer":
      return rest === "" ? { kind: "refused", message: "say what to steer by: /steer TEXT" } : { kind: "steer", text: rest };
    default:
      return ELSEWHERE.includes(name) ? { kind: "refused", message: `/${name} is not here; /help lists the commands` } : null;
  }
}

function toQueue(rest: string): Command {
  const [word = ""] = rest.split(/\s+/);
  if (word === "") return { kind: "queue", mode: null, alias: null };
  if (word === "default") return { kind: "queue", mode: "default", alias: null };
  const found = toQueueMode(word);
  return found === null ? { kind: "refused", message: `/queue ${QUEUE_MODES.join(", ")}, or default` } : { kind: "queue", ...found };
}
