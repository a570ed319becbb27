// The metrics of what sandboxes' workspaces take on disk. When they are measured is workspace-sizes.ts's.
import type { MetricRegistry } from "../../api/metrics-registry.ts";

/** Together and the largest, in bytes; how many are above their `docker.workspaceSize`. */
export interface WorkspaceFigures {
  bytes: number;
  largestBytes: number;
  overSize: number;
}

export function createWorkspaceMetrics(registry: MetricRegistry): (figures: WorkspaceFigures) => void {
  const all = registry.gauge(
    { name: "openclaw_sandbox_workspace_bytes", help: "Disk space used by the workspaces of desired sandboxes, as last measured." },
    {},
  );
  const largest = registry.gauge(
    { name: "openclaw_sandbox_workspace_largest_bytes", help: "Disk space used by the largest workspace of a desired sandbox." },
    {},
  );
  const over = registry.gauge(
    { name: "openclaw_sandbox_workspaces_over_size", help: "Workspaces that exceed their docker.workspaceSize." },
    {},
  );
  return ({ bytes, largestBytes, overSize }) => {
    all.set({}, bytes);
    largest.set({}, largestBytes);
    over.set({}, overSize);
  };
}
