// One session, in parts: its conversation, its tools, and what it works on. Each part has an address of its own.
import { Link, Outlet, useLocation, useParams } from "@tanstack/react-router";
import { MessageCircle } from "lucide-react";
import { type ReactNode, useEffect, useRef } from "react";
import { useGateway } from "../../connection/context.tsx";
import { ErrorNotice } from "../../parts/notice.tsx";
import { useNow } from "../../parts/use-now.ts";
import { isSessionIn } from "../../text/sessions.ts";
import { renderAgo } from "../../text/time.ts";
import { useSandboxes } from "../sandboxes/use-sandboxes.ts";

const TABS = [
  { to: "/sessions/$key", label: "Conversation" },
  { to: "/sessions/$key/tools", label: "Tools" },
  { to: "/sessions/$key/files", label: "Files" },
  { to: "/sessions/$key/processes", label: "Processes" },
  { to: "/sessions/$key/terminal", label: "Terminal" },
  { to: "/sessions/$key/browser", label: "Browser" },
] as const;

/** Mostly there is none of this name: the list has those that there are, and a first word begins it. */
function NoSession({ sessionKey, error }: { sessionKey: string; error: Error }): ReactNode {
  return (
    <div className="stack">
      <ErrorNotice error={error} what="The session could not be read" />
      <div className="row">
        <Link to="/sessions" className="button">
          All sessions
        </Link>
        <Link to="/chat/$key" params={{ key: sessionKey }} className="button">
          Begin it in the chat
        </Link>
      </div>
    </div>
  );
}

export function SessionPage(): ReactNode {
  const { key } = useParams({ from: "/sessions/$key" });
  const { data, error } = useGateway("sessions.get", { key });
  const now = useNow();
  const sandboxes = useSandboxes();
  const sandbox = data && sandboxes.data?.find(({ spec }) => isSessionIn(data, spec));
  const tabs = useRef<HTMLElement>(null);
  const path = useLocation({ select: ({ pathname }) => pathname });
  // A phone has no room for all of them.
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is the path that another one is chosen by
  useEffect(() => {
    tabs.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  }, [path]);
  if (error !== null) return <NoSession sessionKey={key} error={error} />;
  return (
    <div className="stack">
      <div className="row session-head">
        <nav ref={tabs} className="tabs" aria-label="Parts of the session">
          {TABS.map(({ to, label }) => (
            <Link key={to} to={to} params={{ key }} className="tab" activeOptions={{ exact: true, includeSearch: false }}>
              {label}
            </Link>
          ))}
        </nav>
        <Link to="/chat/$key" params={{ key }} className="button">
          <MessageCircle aria-hidden="true" />
          Chat
        </Link>
        {data !== undefined && (
          <p className="dim small">
            Agent {data.agentId}, {data.kind} session; tools run{" "}
            {sandbox === undefined ? (
              data.sandboxed ? (
                "in a sandbox"
              ) : (
                "on the host"
              )
            ) : (
              <Link className="text-link" to="/sandboxes/$name" params={{ name: sandbox.metadata.name }}>
                in its sandbox
              </Link>
            )}
            ; last used {renderAgo(data.lastActivityAt ?? data.createdAt, now)}
          </p>
        )}
      </div>
      <Outlet />
    </div>
  );
}
