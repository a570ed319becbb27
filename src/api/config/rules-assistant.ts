// Rules about how the assistant works: words of upstream's that mean nothing here. A file that has them is good as a whole, so each is a warning.
// What the keys mean is assistant.ts's.
import type { Issue } from "../issue.ts";
import { THINKING_LEVELS, toThinkingWish } from "../thinking.ts";
import { HEARTBEAT_TARGETS, toHeartbeatTarget } from "./assistant.ts";
import type { Config } from "./config.ts";
import { Reporter } from "./reporter.ts";
import type { ConfigFile } from "./schema.ts";
import { renderPath } from "./tree.ts";

export function checkAssistant({ agents }: ConfigFile, config: Config): Issue[] {
  const reporter = new Reporter(config);
  const each = [
    ["agents.defaults", agents?.defaults] as const,
    ...(agents?.list ?? []).map((agent, index) => [renderPath(["agents", "list", index]), agent] as const),
    ...Object.entries(agents?.entries ?? {}).map(([id, agent]) => [renderPath(["agents", "entries", id]), agent] as const),
  ];
  for (const [path, settings] of each) {
    const thinking = settings?.thinkingDefault;
    if (thinking !== undefined && toThinkingWish(thinking) === null)
      reporter.add(`${path}.thinkingDefault`, {
        severity: "warning",
        message: `${JSON.stringify(thinking)} is no effort that is known here, so the provider's default is used`,
        fix: `one of ${THINKING_LEVELS.join(", ")}`,
      });
    const target = settings?.heartbeat?.target;
    if (target !== undefined && toHeartbeatTarget(target) === null)
      reporter.add(`${path}.heartbeat.target`, {
        severity: "warning",
        message: `${JSON.stringify(target)} is no channel that is here, so the owner is told`,
        fix: `one of ${HEARTBEAT_TARGETS.join(", ")}`,
      });
  }
  return reporter.issues;
}
