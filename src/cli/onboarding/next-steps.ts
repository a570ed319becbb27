// What a person does after onboarding: start, look, connect an agent; as it is typed where they are. Pure.
import { type Place, toPlace } from "../../api/place.ts";

const STEPS = [
  ["openclaw start", "the controller and the gateway"],
  ["openclaw session create main", "a session of agent main, and with it a sandbox"],
  ["openclaw sandbox list", "the sandboxes, and the state of each"],
  ["openclaw dashboard --no-open", "the gateway's address, and how to log in"],
  ["claude mcp add openclaw -- openclaw mcp", "its tools for Claude Code"],
  ["codex mcp add openclaw -- openclaw mcp", "its tools for Codex; others: docs/mcp.md"],
] as const;

export function renderNextSteps(place: Place): string {
  const rows = STEPS.map(([command, does]) => [toPlace(command, place), does] as const);
  const width = Math.max(...rows.map(([command]) => command.length));
  return `Next:\n${rows.map(([command, does]) => `  ${command.padEnd(width)}  ${does}\n`).join("")}`;
}
