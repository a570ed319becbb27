// One sandbox: what it is, why it is so, what differs from the config, what comes next, and what happened.
import { useParams } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { Condition } from "../../../api/condition.ts";
import type { FieldDrift, Sandbox } from "../../../api/sandbox.ts";
import { useGateway } from "../../connection/context.tsx";
import { Command } from "../../parts/button.tsx";
import { Card } from "../../parts/card.tsx";
import { Countdown } from "../../parts/countdown.tsx";
import { EventList } from "../../parts/event-list.tsx";
import { ErrorNotice, Notice } from "../../parts/notice.tsx";
import { StateMark } from "../../parts/state-mark.tsx";
import { useNow } from "../../parts/use-now.ts";
import { toCommand } from "../../text/command.ts";
import { isDeferral, type Tone, toState } from "../../text/state.ts";
import { renderSpan, withLocalTimes } from "../../text/time.ts";
import { SandboxActions } from "./actions.tsx";
import { Explained } from "./explained.tsx";
import { SandboxFacts } from "./sandbox-facts.tsx";
import { SetupLog } from "./setup-log.tsx";

/** Beside the events, in case one is lost. */
const POLL_MS = 15_000;
const EVENTS_SHOWN = 60;

export function SandboxPage(): ReactNode {
  const { name } = useParams({ from: "/sandboxes/$name" });
  const { data, error } = useGateway("sandbox.get", { name }, { everyMs: POLL_MS });
  if (error !== null) return <ErrorNotice error={error} what="The sandbox could not be read" />;
  if (data === undefined) return <p className="dim">Loading</p>;
  const { sandbox, events } = data;
  const { agentId, scope, scopeKey } = sandbox.spec;
  return (
    <div className="split">
      <div className="stack">
        <Summary sandbox={sandbox} />
        <SandboxActions sandbox={sandbox} />
        <Card title="Conditions" flush>
          <Conditions conditions={sandbox.status.conditions} />
        </Card>
        {sandbox.status.drift.length > 0 && (
          <Card title="What differs from the config" flush>
            <Drift drift={sandbox.status.drift} />
          </Card>
        )}
        <SetupLog name={name} />
        <Explained name={name} />
        <Card title="Events" flush>
          <EventList events={events} limit={EVENTS_SHOWN} named={false} />
        </Card>
      </div>
      <div className="stack">
        <SandboxFacts sandbox={sandbox} />
        <Card title="From the command line">
          <div className="stack commands">
            <Command text={toCommand("sandbox", "describe", name)} />
            {agentId !== null && (
              <Command text={toCommand("sandbox", "explain", ...(scope === "session" ? ["--session", scopeKey] : ["--agent", agentId]))} />
            )}
            <Command text={`${toCommand("sandbox", "exec", "-it", name, "--")} sh`} />
            <Command text={toCommand("sandbox", "logs", name)} />
          </div>
        </Card>
      </div>
    </div>
  );
}

/** The state in a sentence, and what happens next. */
function Summary({ sandbox }: { sandbox: Sandbox }): ReactNode {
  const now = useNow();
  const { word, tone, message } = toState(sandbox);
  const { deferredUntil, next, failure, servingFailure } = sandbox.status;
  const retry = failure ?? servingFailure;
  const others = next.filter((line) => line !== message);
  return (
    <Notice tone={tone} title={`${word}: ${withLocalTimes(message, now)}`}>
      {deferredUntil !== null && (
        <p>
          The change is made <Countdown until={deferredUntil} /> if it stays unused.
        </p>
      )}
      {retry !== null && (
        <p>
          Tried {retry.count} {retry.count === 1 ? "time" : "times"}; again <Countdown until={retry.retryAt} />.
        </p>
      )}
      {others.map((line) => (
        <p key={line}>{withLocalTimes(line, now)}</p>
      ))}
    </Notice>
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
            <td className="nowrap">{renderSpan(now - condition.lastTransitionTime)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Drift({ drift }: { drift: readonly FieldDrift[] }): ReactNode {
  return (
    <table className="table tall">
      <thead>
        <tr>
          <th scope="col">Key</th>
          <th scope="col">In the container</th>
          <th scope="col">In the config</th>
          <th scope="col">Takes</th>
        </tr>
      </thead>
      <tbody>
        {drift.map(({ field, actual, desired, remedy }) => (
          <tr key={field}>
            <td className="mono wrap-any">{field}</td>
            <td className="mono wrap-any">
              <del>{actual}</del>
            </td>
            <td className="mono wrap-any">
              <ins>{desired}</ins>
            </td>
            <td className="nowrap">{remedy === "live" ? "an update in place" : "a new container"}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
