// What a person does after onboarding: start, look, connect an agent. Pure. In a container of Compose the same things are done from outside.

/** How a command is written where this one was. */
export const toOwnCommand = (env: Readonly<Record<string, string | undefined>>, words: string): string =>
  `${env.OPENCLAW_CLI_COMMAND || "openclaw"} ${words}`;

export function renderNextSteps(env: Readonly<Record<string, string | undefined>>): string {
  const start = env.OPENCLAW_CLI_COMMAND ? "docker compose up -d openclaw-gateway" : "openclaw start";
  const rows = [
    [start, "the controller and the gateway"],
    [toOwnCommand(env, "dashboard --no-open"), "the gateway's address, and how to log in"],
    [toOwnCommand(env, "sandbox list"), "the sandboxes, and the state of each"],
    ["claude mcp add openclaw -- openclaw mcp", "its tools for Claude Code"],
    ["codex mcp add openclaw -- openclaw mcp", "its tools for Codex; others: docs/mcp.md"],
  ];
  const width = Math.max(...rows.map(([command = ""]) => command.length));
  return `Next:\n${rows.map(([command = "", does = ""]) => `  ${command.padEnd(width)}  ${does}\n`).join("")}`;
}
