import type { Issue } from "../issue.ts";
import type { Config, HostFolders } from "./config.ts";

export function checkRules(_config: Config, _folders: HostFolders): Issue[] {
  return [];
}
