// The choices of a model provider that flags name: what the help of every command needs, without the editor that writes a choice into the config.

export const AUTH_CHOICES = {
  "openai-codex": { label: "OpenAI Codex OAuth", hint: "sign in with a ChatGPT plan, in a browser" },
  "openai-api-key": { label: "OpenAI API key", hint: "from platform.openai.com" },
  "anthropic-api-key": { label: "Anthropic API key", hint: "from console.anthropic.com" },
  "custom-api-key": { label: "OpenAI-compatible URL", hint: "Ollama, vLLM, LM Studio, a proxy; with a key or without" },
  skip: { label: "later", hint: "openclaw onboard asks again" },
} as const satisfies Record<string, { label: string; hint: string }>;

export type AuthChoice = keyof typeof AUTH_CHOICES;
export const AUTH_CHOICE_NAMES = Object.keys(AUTH_CHOICES) as AuthChoice[];

export const COMPATIBILITIES = {
  openai: "openai-completions",
  "openai-responses": "openai-responses",
  anthropic: "anthropic-messages",
} as const;
export type Compatibility = keyof typeof COMPATIBILITIES;
