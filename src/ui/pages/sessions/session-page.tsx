// One session, in parts: its conversation, its tools, and what it works on. Each part has an address of its own.
import { Link, Outlet, useParams } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { useGateway } from "../../connection/context.tsx";
import { ErrorNotice } from "../../parts/notice.tsx";
import { useNow } from "../../parts/use-now.ts";
import { renderAgo } from "../../text/time.ts";

const TABS = [
  { to: "/sessions/$key", label: "Conversation" },
  { to: "/sessions/$key/tools", label: "Tools" },
  { to: "/sessions/$key/files", label: "Files" },
  { to: "/sessions/$key/processes", label: "Processes" },
  { to: "/sessions/$key/terminal", label: "Terminal" },
] as const;

export function SessionPage(): ReactNode {
  const { key } = useParams({ from: "/sessions/$key" });
  const { data, error } = useGateway("sessions.get", { key });
  const now = useNow();
  if (error !== null) return <ErrorNotice error={error} what="The session could not be read" />;
  return (
    <div className="stack">
      <div className="row session-head">
        <nav className="tabs" aria-label="Parts of the session">
          {TABS.map(({ to, label }) => (
            <Link key={to} to={to} params={{ key }} className="tab" activeOptions={{ exact: true, includeSearch: false }}>
              {label}
            </Link>
          ))}
        </nav>
        {data !== undefined && (
          <p className="dim small">
            agent {data.agentId}, {data.kind}, {data.sandboxed ? "tools run in a sandbox" : "tools run on the host"}, last used{" "}
            {renderAgo(data.lastActivityAt ?? data.createdAt, now)}
          </p>
        )}
      </div>
      <Outlet />
    </div>
  );
}
