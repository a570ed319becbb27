// Folders that a sandbox sees: from where, whether it may write there, and why.
import type { ReactNode } from "react";
import type { ExplainedMount } from "../../api/explain-view.ts";
import { Card } from "./card.tsx";

export function Mounts({ mounts }: { mounts: readonly ExplainedMount[] }): ReactNode {
  if (mounts.length === 0) return null;
  return (
    <Card title="Mounts" flush>
      <ul className="rows">
        {mounts.map(({ source, target, access, because }) => (
          <li key={target}>
            <div className="row">
              <span className="mono wrap-any">{target}</span>
              <span className="badge">{access === "ro" ? "read only" : "read and write"}</span>
            </div>
            <p className="dim tiny wrap-any">
              {source ?? "a folder named after the sandbox"}: {because}
            </p>
          </li>
        ))}
      </ul>
    </Card>
  );
}
