// How hard a model thinks before it answers, and how much a client shows of what an agent does: the words for both, in the config, in requests and in commands.
// Pure. What a provider makes of an effort is gateway/models/'s.

/** `off`: the provider is asked for none. */
export const THINKING_LEVELS = ["off", "minimal", "low", "medium", "high", "xhigh"] as const;
export type ThinkingLevel = (typeof THINKING_LEVELS)[number];

/** Upstream's other words; what a model decides by itself is the provider's default. */
const ALIASES: ReadonlyMap<string, ThinkingLevel | "default"> = new Map([
  ["none", "off"],
  ["min", "minimal"],
  ["mid", "medium"],
  ["med", "medium"],
  ["max", "xhigh"],
  ["adaptive", "default"],
]);

/** `default`: as the config says. */
export type ThinkingWish = ThinkingLevel | "default";

/** null: it means none */
export function toThinkingWish(text: string): ThinkingWish | null {
  const word = text.trim().toLowerCase();
  return THINKING_LEVELS.find((known) => known === word) ?? ALIASES.get(word) ?? (word === "default" ? "default" : null);
}

/** `off`: what is said alone. `on`: a line for each tool call. `full`: with its output. */
export const VERBOSE_LEVELS = ["off", "on", "full"] as const;
export type VerboseLevel = (typeof VERBOSE_LEVELS)[number];
/** `default`: as each client shows it. */
export type VerboseWish = VerboseLevel | "default";

/** null: it means none */
export function toVerboseWish(text: string): VerboseWish | null {
  const word = text.trim().toLowerCase();
  return VERBOSE_LEVELS.find((known) => known === word) ?? (word === "default" ? "default" : null);
}

/** Of a conversation of several people. `mention`: who speaks to the agent gets an answer. `always`: it hears everything, and may say nothing. */
export const ACTIVATIONS = ["mention", "always"] as const;
export type Activation = (typeof ACTIVATIONS)[number];
