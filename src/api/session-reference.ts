// What a person or a client may write for a session, and which session that is: the same on the command line, over HTTP and over the WebSocket. Pure.
// Whether there is such a session, and who may use it, is the caller's to ask.

export interface KnownAgents {
  /** Exactly one is the default one. */
  agents: readonly { readonly id: string; readonly isDefault: boolean }[];
  /** Whether there is a session with this full key. */
  hasSession(key: string): boolean;
}

/**
 * The full key of what is meant: `agent:work:main` is one already; `main` is the default agent's main session; the key of a session that the default
 * agent has, without `agent:ID:`, is that session; an agent's id is that agent's main session; anything else is a session of the default agent.
 */
export function expandSessionKey(text: string, { agents, hasSession }: KnownAgents): string {
  if (text.startsWith("agent:")) return text;
  const short = `agent:${agents.find(({ isDefault }) => isDefault)?.id ?? "main"}:${text}`;
  // A session that is there keeps its short name when an agent of that name is added later.
  if (text === "main" || hasSession(short)) return short;
  return agents.some(({ id }) => id === text) ? `agent:${text}:main` : short;
}
