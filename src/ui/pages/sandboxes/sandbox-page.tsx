// One sandbox: what it is, why it is so, what differs from the config, what comes next, and what happened.
import { Link, useParams } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { Condition } from "../../../api/condition.ts";
import { useGateway } from "../../connection/context.tsx";
import { Command } from "../../parts/button.tsx";
import { Card } from "../../parts/card.tsx";
import { EventList } from "../../parts/event-list.tsx";
import { Mounts } from "../../parts/mounts.tsx";
import { ErrorNotice, Loading } from "../../parts/notice.tsx";
import { StateMark } from "../../parts/state-mark.tsx";
import { useNow } from "../../parts/use-now.ts";
import { toCommand } from "../../text/command.ts";
import { isDeferral, type Tone } from "../../text/state.ts";
import { renderSpan, withLocalTimes } from "../../text/time.ts";
import { SandboxActions } from "./actions.tsx";
import { BrowserOf } from "./browser-of.tsx";
import { Egress } from "./egress.tsx";
import { Explained } from "./explained.tsx";
import { ItsSessions } from "./its-sessions.tsx";
import { SandboxFacts } from "./sandbox-facts.tsx";
import { SetupLog } from "./setup-log.tsx";
import { Drift, Summary } from "./summary.tsx";

/** Beside the events, in case one is lost. */
const POLL_MS = 15_000;
const EVENTS_SHOWN = 60;

export function SandboxPage(): ReactNode {
  const { name } = useParams({ from: "/sandboxes/$name" });
  const { data, error } = useGateway("sandbox.get", { name }, { everyMs: POLL_MS });
  const explained = useGateway("sandbox.explain", { name });
  if (error !== null) return <NoSandbox error={error} />;
  if (data === undefined) return <Loading />;
  const { sandbox, events } = data;
  const { agentId, kind, scope, scopeKey } = sandbox.spec;
  const isPinned = sandbox.status.conditions.some(({ reason }) => reason === "Pinned");
  return (
    <div className="split">
      <div className="stack">
        <Summary sandbox={sandbox} values={explained.data?.values} />
        {sandbox.status.drift.length > 0 && <Drift drift={sandbox.status.drift} values={explained.data?.values} />}
        {kind === "browser" && <BrowserOf spec={sandbox.spec} />}
        <SandboxActions sandbox={sandbox} />
        <Card title="Conditions" flush>
          <Conditions conditions={sandbox.status.conditions} />
        </Card>
        <Egress sandbox={sandbox} values={explained.data?.values ?? []} />
        {kind === "tools" && <SetupLog name={name} />}
        <Explained explained={explained} />
        <Card title="Events" flush>
          <EventList events={events} limit={EVENTS_SHOWN} named={false} />
        </Card>
      </div>
      <div className="stack">
        <SandboxFacts sandbox={sandbox} />
        <ItsSessions spec={sandbox.spec} />
        <Mounts mounts={explained.data?.mounts ?? []} />
        <Card title="From the command line">
          <div className="stack commands">
            <Command text={toCommand("sandbox", "describe", name)} />
            {kind === "browser" ? (
              <Command text={toCommand("sandbox", "explain", name)} />
            ) : (
              agentId !== null && (
                <Command
                  text={toCommand("sandbox", "explain", ...(scope === "session" ? ["--session", scopeKey] : ["--agent", agentId]))}
                />
              )
            )}
            <Command text={`${toCommand("sandbox", "exec", "-it", name, "--")} sh`} />
            <Command text={toCommand("sandbox", "logs", name)} />
            <Command text={toCommand("sandbox", isPinned ? "unpin" : "pin", name)} />
            <Command text={toCommand("sandbox", "recreate", name)} />
          </div>
        </Card>
      </div>
    </div>
  );
}

function NoSandbox({ error }: { error: Error }): ReactNode {
  return (
    <div className="stack">
      <ErrorNotice error={error} what="The sandbox could not be read" />
      <div className="row">
        <Link to="/sandboxes" className="button">
          All sandboxes
        </Link>
      </div>
    </div>
  );
}

/** `Unknown` is neither good nor bad, whatever the condition. */
const toneOf = ({ status, reason }: Condition): Tone => {
  if (status === "True") return "good";
  if (status === "Unknown") return "wait";
  if (reason === "Progressing" || reason === "Converging") return "busy";
  if (reason === "Pruned" || reason === "Released") return "rest";
  return isDeferral(reason) ? "wait" : "bad";
};

function Conditions({ conditions }: { conditions: readonly Condition[] }): ReactNode {
  const now = useNow();
  return (
    <table className="table tall">
      <thead>
        <tr>
          <th scope="col">Condition</th>
          <th scope="col">Reason</th>
          <th scope="col">Since</th>
        </tr>
      </thead>
      <tbody>
        {conditions.map((condition) => (
          <tr key={condition.type}>
            <td>
              <StateMark tone={toneOf(condition)}>
                {condition.type} {condition.status === "True" ? "" : condition.status.toLowerCase()}
              </StateMark>
            </td>
            <td className="wrap-any">
              {condition.reason}
              <div className="dim tiny">{withLocalTimes(condition.message, now)}</div>
            </td>
            <td className="nowrap" data-head="for">
              {renderSpan(now - condition.lastTransitionTime)}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
