// The overview: is everything as the config says, what is not, what will happen next, and what just happened.
import { Link } from "@tanstack/react-router";
import { type ReactNode, useMemo } from "react";
import type { Sandbox } from "../../../api/sandbox.ts";
import { useGateway } from "../../connection/context.tsx";
import { Card, Empty } from "../../parts/card.tsx";
import { Countdown } from "../../parts/countdown.tsx";
import { EventList } from "../../parts/event-list.tsx";
import { ErrorNotice, Waiting } from "../../parts/notice.tsx";
import { Prose } from "../../parts/prose.tsx";
import { StateMark, ToneIcon } from "../../parts/state-mark.tsx";
import { useNow } from "../../parts/use-now.ts";
import { countStates, STATE_NAMES, STATES, toState } from "../../text/state.ts";
import { withLocalTimes } from "../../text/time.ts";
import { toUpcoming } from "../../text/upcoming.ts";
import { FirstSteps } from "../first-steps.tsx";
import { useSandboxes } from "../sandboxes/use-sandboxes.ts";
import { Charts } from "./charts.tsx";
import { Headline } from "./headline.tsx";
import { Health } from "./health.tsx";

const EVENTS_POLL_MS = 15_000;
/** About as long as what stands beside it. */
const EVENTS_SHOWN = 5;
const UPCOMING_SHOWN = 8;
const TROUBLES_SHOWN = 8;

export function Overview(): ReactNode {
  const { data: sandboxes, error } = useSandboxes();
  const events = useGateway("events.list", { tail: EVENTS_SHOWN }, { everyMs: EVENTS_POLL_MS });
  if (sandboxes === undefined)
    return (
      <div className="stack">
        <Waiting errors={[error]} what="Sandboxes could not be read" />
        {error !== null && <Health />}
      </div>
    );
  return (
    <div className="stack">
      {error === null ? <Headline sandboxes={sandboxes} /> : <ErrorNotice error={error} what="What you see of sandboxes is from before" />}
      {sandboxes.length === 0 ? <FirstSteps /> : <States sandboxes={sandboxes} />}
      <div className="halves">
        <div className="stack">
          <Troubles sandboxes={sandboxes} />
          <Next sandboxes={sandboxes} />
        </div>
        <div className="stack">
          <Health />
          <Card title="What happened" flush>
            {events.error === null ? (
              <EventList events={events.data?.items ?? []} limit={EVENTS_SHOWN} />
            ) : (
              <div className="card-body">
                <ErrorNotice error={events.error} what="Events could not be read" />
              </div>
            )}
          </Card>
        </div>
      </div>
      <Charts />
    </div>
  );
}

/** How many are in each state, as a bar whose parts lead to the list. */
function States({ sandboxes }: { sandboxes: readonly Sandbox[] }): ReactNode {
  const counts = countStates(sandboxes);
  const present = STATE_NAMES.filter((name) => counts.has(name));
  return (
    <Card title="Sandboxes" aside={<Link to="/sandboxes">All {sandboxes.length}</Link>}>
      <div className="state-bar" aria-hidden="true">
        {present.map((name) => (
          <span key={name} data-tone={STATES[name].tone} style={{ flexGrow: counts.get(name) ?? 0 }} />
        ))}
      </div>
      <ul className="state-counts">
        {present.map((name) => (
          <li key={name}>
            <Link to="/sandboxes" search={{ state: name }} data-tone={STATES[name].tone} title={STATES[name].meaning}>
              <ToneIcon tone={STATES[name].tone} />
              <strong>{counts.get(name)}</strong> {STATES[name].word}
            </Link>
          </li>
        ))}
      </ul>
    </Card>
  );
}

/** The worst first. */
function toTroubled(sandboxes: readonly Sandbox[]): Sandbox[] {
  const troubled = sandboxes.filter((sandbox) => ["bad", "wait"].includes(toState(sandbox).tone));
  return troubled.toSorted((one, other) => STATE_NAMES.indexOf(toState(one).name) - STATE_NAMES.indexOf(toState(other).name));
}

function Troubles({ sandboxes }: { sandboxes: readonly Sandbox[] }): ReactNode {
  const now = useNow();
  const sorted = useMemo(() => toTroubled(sandboxes), [sandboxes]);
  return (
    <Card title="What is not as the config says" flush aside={sorted.length > TROUBLES_SHOWN ? `${sorted.length} in all` : undefined}>
      {sorted.length === 0 ? (
        <Empty>Nothing: every sandbox is as it should be.</Empty>
      ) : (
        <ul className="rows">
          {sorted.slice(0, TROUBLES_SHOWN).map((sandbox) => {
            const { word, tone, message } = toState(sandbox);
            return (
              <li key={sandbox.metadata.name}>
                <div className="row">
                  <Link className="row-link" to="/sandboxes/$name" params={{ name: sandbox.metadata.name }}>
                    {sandbox.spec.scopeKey}
                  </Link>
                  <StateMark tone={tone}>{word}</StateMark>
                </div>
                <p className="soft wrap-any">
                  <Prose text={withLocalTimes(message, now)} />
                </p>
              </li>
            );
          })}
        </ul>
      )}
    </Card>
  );
}

function Next({ sandboxes }: { sandboxes: readonly Sandbox[] }): ReactNode {
  const now = useNow();
  const all = useMemo(() => toUpcoming(sandboxes), [sandboxes]);
  const upcoming = all.filter(({ at }) => at > now);
  return (
    <Card title="What happens next" flush>
      {upcoming.length === 0 ? (
        <Empty>Nothing is due.</Empty>
      ) : (
        <ul className="rows">
          {upcoming.slice(0, UPCOMING_SHOWN).map(({ at, sandbox, what }) => (
            <li key={`${sandbox.metadata.name} ${at}`} className="next-row">
              <Countdown until={at} />
              <p className="soft wrap-any">
                <Link className="plain-link strong" to="/sandboxes/$name" params={{ name: sandbox.metadata.name }}>
                  {sandbox.spec.scopeKey}
                </Link>{" "}
                {what}
              </p>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}
