// What an edit of the config would do, sandbox by sandbox; and once the edit is in force, how far each of them is.
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { PlannedSandbox } from "../../../api/wire.ts";
import type { AnswerOf } from "../../connection/methods.ts";
import { CommandWord } from "../../parts/button.tsx";
import { Card, Empty } from "../../parts/card.tsx";
import { Notice } from "../../parts/notice.tsx";
import { StateMark } from "../../parts/state-mark.tsx";
import { useNow } from "../../parts/use-now.ts";
import { renderFieldValue, withFieldSizes } from "../../text/size.ts";
import { toState } from "../../text/state.ts";
import { renderAgo, withLocalTimes } from "../../text/time.ts";
import { useSandboxes } from "../sandboxes/use-sandboxes.ts";

const othersOf = (count: number): string =>
  count === 1 ? "1 other sandbox stays as it would without it" : `${count} other sandboxes stay as they would without it`;

export function PlanOfEdit({ view: { plan, others, issues, unplanned } }: { view: AnswerOf<"config.edit"> }): ReactNode {
  const errors = issues.filter(({ severity }) => severity === "error").length;
  if (errors > 0) return <Notice tone="bad" title="This text is not a valid config: it would change nothing." />;
  if (unplanned !== "" || plan === null)
    return (
      <Notice tone="wait" title="The text is valid, and is not planned here.">
        {unplanned}. On the host: <CommandWord text="openclaw sandbox plan --config FILE" />
      </Notice>
    );
  return (
    <Card title="What the edit would do" aside={plan.length > 0 && others > 0 ? othersOf(others) : undefined} flush>
      {plan.length === 0 ? (
        <Empty>Nothing: every sandbox stays as it would without it.</Empty>
      ) : (
        <ul className="rows">
          {plan.map((planned) => (
            <Planned key={planned.name} planned={planned} />
          ))}
        </ul>
      )}
    </Card>
  );
}

function Planned({ planned: { name, because, wanted, drift, actions, waits } }: { planned: PlannedSandbox }): ReactNode {
  const now = useNow();
  const steps = actions.map((action, index) => ({ number: index + 1, action }));
  return (
    <li>
      <div className="row">
        <Link className="row-link" to="/sandboxes/$name" params={{ name }}>
          {name}
        </Link>
        {!wanted && <StateMark tone="wait">not wanted any more</StateMark>}
      </div>
      <p className="dim tiny wrap-any">{because}</p>
      {drift.map(({ field, actual, desired }) => (
        <p key={field} className="mono small wrap-any">
          {field}: <del>{renderFieldValue(field, actual)}</del> <ins>{renderFieldValue(field, desired)}</ins>
        </p>
      ))}
      {actions.length === 0 && waits === undefined && <p className="soft small">Nothing is done to it.</p>}
      {actions.length > 0 && (
        <ol className="plan-steps">
          {steps.map(({ number, action }) => (
            <li key={number} className="wrap-any">
              {withFieldSizes(withLocalTimes(action, now))}
            </li>
          ))}
        </ol>
      )}
      {waits !== undefined && (
        <p className="soft small wrap-any">
          <StateMark tone="wait">waits</StateMark> {withLocalTimes(waits, now)}
        </p>
      )}
    </li>
  );
}

/** Live: from the list that every page follows. */
export function Convergence({ planned, since }: { planned: readonly Pick<PlannedSandbox, "name">[]; since: number | null }): ReactNode {
  const now = useNow();
  const { data = [] } = useSandboxes();
  const names = new Set(planned.map(({ name }) => name));
  const states = data
    .filter(({ metadata }) => names.size === 0 || names.has(metadata.name))
    .map((sandbox) => ({ sandbox, ...toState(sandbox) }));
  const done = states.filter(({ name }) => name === "ready" || name === "resting").length;
  return (
    <Card title="The edit is in force" aside={since === null ? undefined : renderAgo(since, now)} flush>
      <p className="card-body" role="status">
        {done} of {states.length} {states.length === 1 ? "sandbox is" : "sandboxes are"} as the config says.
      </p>
      <ul className="rows">
        {states.map(({ sandbox, tone, word, message }) => (
          <li key={sandbox.metadata.name}>
            <div className="row">
              <Link className="row-link" to="/sandboxes/$name" params={{ name: sandbox.metadata.name }}>
                {sandbox.spec.scopeKey}
              </Link>
              <StateMark tone={tone}>{word}</StateMark>
            </div>
            <p className="soft wrap-any">{withLocalTimes(message, now)}</p>
          </li>
        ))}
      </ul>
    </Card>
  );
}
