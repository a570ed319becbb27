// The state of one sandbox in a sentence, what comes next and when, and what the config has to do with it: each field that differs with the line that
// sets it, and the line by which a change waits.
import type { ReactNode } from "react";
import type { ExplainedValue } from "../../../api/explain-view.ts";
import type { FieldDrift, Sandbox } from "../../../api/sandbox.ts";
import { Card } from "../../parts/card.tsx";
import { Countdown } from "../../parts/countdown.tsx";
import { Notice } from "../../parts/notice.tsx";
import { useNow } from "../../parts/use-now.ts";
import { renderFieldValue } from "../../text/size.ts";
import { toState } from "../../text/state.ts";
import { withLocalTimes } from "../../text/time.ts";
import { hasMoment, toUpcoming } from "../../text/upcoming.ts";

/** The key that decides how long a change waits, by the reason for which it does. */
const WAITS_BY: Readonly<Record<string, string>> = { DeferredInUse: "rollout.hotWindow", DriftOverdue: "rollout.maxDriftAge" };

/** As the controller writes it. */
const HIDDEN = "(hidden)";

interface SummaryProps {
  sandbox: Sandbox;
  /** Values in force. undefined: not known yet. */
  values: readonly ExplainedValue[] | undefined;
}

export function Summary({ sandbox, values }: SummaryProps): ReactNode {
  const now = useNow();
  const { word, tone, reason, message } = toState(sandbox);
  const { next, failure, servingFailure } = sandbox.status;
  const retry = failure ?? servingFailure;
  const rule = values?.find(({ key }) => key === WAITS_BY[reason]);
  return (
    <Notice tone={tone} title={`${word}: ${withLocalTimes(message, now)}`}>
      {rule !== undefined && (
        <p>
          How long it waits is set by <code className="chip">{`${rule.key}: ${rule.value}`}</code> <Line value={rule} />
        </p>
      )}
      {retry !== null && (
        <p>
          Tried {retry.count} {retry.count === 1 ? "time" : "times"} so far.
        </p>
      )}
      {toUpcoming([sandbox])
        .filter(({ at }) => at > now)
        .map(({ at, what }) => (
          <p key={`${at} ${what}`}>
            It {what}, <Countdown until={at} />.
          </p>
        ))}
      {next
        .filter((line) => line !== message && !hasMoment(line))
        .map((line) => (
          <p key={line}>{line}</p>
        ))}
    </Notice>
  );
}

export function Drift({ drift, values }: { drift: readonly FieldDrift[]; values: readonly ExplainedValue[] | undefined }): ReactNode {
  return (
    <Card title="What differs from the config" flush>
      <table className="table tall">
        <thead>
          <tr>
            <th scope="col">Key</th>
            <th scope="col">In the container</th>
            <th scope="col">In the config</th>
            <th scope="col">Set by</th>
          </tr>
        </thead>
        <tbody>
          {drift.map(({ field, actual, desired, remedy }) => (
            <tr key={field}>
              <td className="wrap-any">
                <span className="mono">{field}</span>
                <div className="dim tiny">{remedy === "live" ? "an update in place" : "takes a new container"}</div>
              </td>
              <td className="mono wrap-any">
                <del>{renderFieldValue(field, actual)}</del>
              </td>
              <td className="mono wrap-any">
                <ins>{renderFieldValue(field, desired)}</ins>
              </td>
              <td>
                <Line value={values?.find(({ key }) => key === field)} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {drift.some(({ actual, desired }) => [actual, desired].includes(HIDDEN)) && (
        <p className="card-body dim small">Values of variables may be secrets, and are not shown.</p>
      )}
    </Card>
  );
}

/** Where it stands in the config. */
function Line({ value }: { value: ExplainedValue | undefined }): ReactNode {
  if (value === undefined) return <span className="dim">no line of its own</span>;
  return value.at === null ? <span className="dim">{value.source}</span> : <code className="chip place">{value.at}</code>;
}
