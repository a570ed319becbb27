// Finds where a valid config gives more than it may need to, and says what would give less. Nothing here is wrong: no issue, no warning. Pure.
import type { Config, HostFolders } from "./config.ts";
import { resolveSandbox, toConfigKey } from "./effective.ts";

/** One sentence for each key of the file. */
export function recommend(config: Config, folders: HostFolders): string[] {
  const networks = config.agents.flatMap((agent) => {
    const sandbox = resolveSandbox(config, agent, folders);
    return sandbox.mode === "off" || sandbox.docker.network === "none" ? [] : [{ agent: agent.id, sandbox }];
  });
  const byKey = Map.groupBy(networks, ({ sandbox }) => toConfigKey(sandbox, "docker.network"));
  return [...byKey].map(([key, found]) => {
    const agents = found.map(({ agent }) => agent).join(", ");
    const network = JSON.stringify(found[0]?.sandbox.docker.network);
    const egress = key.replace(/docker\.network$/, "egress.allow");
    return `${key}: ${network} lets ${agents} reach every address; to name what may be reached, remove it and write ${egress}: ["example.com", ...] (docs/egress.md)`;
  });
}
