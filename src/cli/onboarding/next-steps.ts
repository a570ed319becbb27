// What a person does after onboarding: start, look, connect an agent; as it is typed where they are. Pure.
import { type Place, toPlace } from "../../api/place.ts";

const BARE_DASHBOARD = "openclaw dashboard --no-open";

type Step = readonly [command: string, does: string];

const STEPS: readonly Step[] = [
  ["openclaw start", "the controller and the gateway"],
  ["openclaw session create main", "a session of agent main, and with it a sandbox"],
  ["openclaw sandbox list", "the sandboxes, and the state of each"],
  [BARE_DASHBOARD, "the gateway's address, and how to log in"],
  ["claude mcp add openclaw -- openclaw mcp", "its tools for Claude Code"],
  ["codex mcp add openclaw -- openclaw mcp", "its tools for Codex; others: docs/mcp.md"],
];

/** Last: it is what stays on the screen. */
const WITH_MODEL: readonly Step[] = [
  ["openclaw chat", "talk to agent main, at this terminal"],
  ["openclaw dashboard", "the same in a browser: its page Chat"],
];

/** @param hasModel whether one answers */
export function renderNextSteps(place: Place, hasModel: boolean): string {
  const steps = [...STEPS.filter(([command]) => !hasModel || command !== BARE_DASHBOARD), ...(hasModel ? WITH_MODEL : [])];
  const rows = steps.map(([command, does]): Step => [toPlace(command, place), does]);
  const width = Math.max(...rows.map(([command]) => command.length));
  return `Next:\n${rows.map(([command, does]) => `  ${command.padEnd(width)}  ${does}\n`).join("")}`;
}
