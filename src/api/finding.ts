// What examining the machine found: one check, whether it passed, and how to fix it if not. Pure data and its closed list of checks.
// Examining and judging is the controller's job.

/** Every check and the part of the machine that it is about, in the order in which they are shown. */
export const CHECKS = {
  engine: "Engine",
  version: "Engine",
  clock: "Engine",
  storage: "Engine",
  images: "Engine",
  runc: "Confinement",
  runtimes: "Confinement",
  cgroups: "Confinement",
  limits: "Confinement",
  commands: "Confinement",
  seccomp: "Confinement",
  "access-control": "Confinement",
  "user-namespaces": "Confinement",
  egress: "Confinement",
  browsers: "Confinement",
  probe: "Folders",
  "path-mapping": "Folders",
  "exec-root": "Folders",
  workspaces: "Folders",
  "workspace-files": "Folders",
  "state-folder": "Folders",
  "disk-space": "Folders",
  config: "Controller",
  controller: "Controller",
  separation: "Controller",
  watches: "Controller",
  leftovers: "Controller",
  records: "Controller",
  "sign-ins": "Models",
  secrets: "Models",
} as const;

export type Check = keyof typeof CHECKS;

export interface Finding {
  check: Check;
  /** `fail`: sandboxes can't be made, or don't confine. `warn`: they work, and something should be known or done. */
  level: "ok" | "warn" | "fail";
  /** One sentence without a trailing period. */
  message: string;
  /** The exact command or key. null: there is nothing to do. */
  fix: string | null;
}

export const ok = (check: Check, message: string): Finding => ({ check, level: "ok", message, fix: null });
export const warn = (check: Check, message: string, fix: string): Finding => ({ check, level: "warn", message, fix });
export const fail = (check: Check, message: string, fix: string): Finding => ({ check, level: "fail", message, fix });
