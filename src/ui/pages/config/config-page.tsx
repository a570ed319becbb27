// The config, in parts: what is in force for each agent, and an editor that says what an edit would do. Each part has an address of its own.
import { Link, Outlet } from "@tanstack/react-router";
import type { ReactNode } from "react";

const TABS = [
  { to: "/config", label: "In force" },
  { to: "/config/edit", label: "Edit" },
] as const;

export function ConfigPage(): ReactNode {
  return (
    <div className="stack">
      <nav className="tabs fit" aria-label="Parts of the config">
        {TABS.map(({ to, label }) => (
          <Link key={to} to={to} className="tab" activeOptions={{ exact: true }}>
            {label}
          </Link>
        ))}
      </nav>
      <Outlet />
    </div>
  );
}
