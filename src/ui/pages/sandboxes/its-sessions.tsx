// The sessions whose tools run in one sandbox, or that have one browser, each with the way to its conversation and its terminal.
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { Sandbox } from "../../../api/sandbox.ts";
import { useGateway } from "../../connection/context.tsx";
import { CommandWord } from "../../parts/button.tsx";
import { Card, Empty } from "../../parts/card.tsx";
import { toCommand } from "../../text/command.ts";
import { hasBrowser, isSessionIn } from "../../text/sessions.ts";

const SHOWN_MAX = 8;

export function ItsSessions({ spec }: Pick<Sandbox, "spec">): ReactNode {
  const { data } = useGateway("sessions.list", {});
  if (data === undefined) return null;
  const isBrowser = spec.kind === "browser";
  const sessions = data.items.filter((session) => (isBrowser ? hasBrowser(session, spec) : isSessionIn(session, spec)));
  return (
    <Card
      title={isBrowser ? "Sessions that have it" : "Sessions in it"}
      aside={sessions.length > SHOWN_MAX ? `${SHOWN_MAX} of ${sessions.length}` : undefined}
      flush
    >
      {sessions.length === 0 ? (
        <Empty>
          {isBrowser ? (
            "None any more."
          ) : (
            <>
              None yet. <CommandWord text={toCommand("session", "create", spec.agentId ?? "AGENT")} /> makes one.
            </>
          )}
        </Empty>
      ) : (
        <ul className="rows">
          {sessions.slice(0, SHOWN_MAX).map(({ key }) => (
            <li key={key} className="row">
              <Link className="row-link wrap-any grow" to="/sessions/$key" params={{ key }}>
                {key}
              </Link>
              <Link className="text-link" to="/chat/$key" params={{ key }} aria-label={`Chat with ${key}`}>
                Chat
              </Link>
              {!isBrowser && (
                <>
                  <Link className="text-link" to="/sessions/$key/files" params={{ key }} aria-label={`Files of ${key}`}>
                    Files
                  </Link>
                  <Link className="text-link" to="/sessions/$key/terminal" params={{ key }} aria-label={`Terminal of ${key}`}>
                    Terminal
                  </Link>
                </>
              )}
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}
