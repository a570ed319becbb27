// Which line of the config sets what, for one sandbox; what has no effect, and what can't be told.
import { type ReactNode, useState } from "react";
import type { ExplainedValue } from "../../../api/explain-view.ts";
import { useGateway } from "../../connection/context.tsx";
import { Button } from "../../parts/button.tsx";
import { Card, Empty } from "../../parts/card.tsx";
import { ErrorNotice, Notice } from "../../parts/notice.tsx";

export function Explained({ name }: { name: string }): ReactNode {
  const { data, error } = useGateway("sandbox.explain", { name });
  const [showsAll, setShowsAll] = useState(false);
  if (error !== null) return <ErrorNotice error={error} what="It could not be explained" />;
  if (data === undefined) return null;
  const values = showsAll ? data.values : data.values.filter(({ at }) => at !== null);
  return (
    <Card title="What the config says" aside={data.config} flush>
      {data.missing.map((missing) => (
        <Notice key={missing} tone="wait" title={missing} />
      ))}
      {values.length === 0 ? <Empty>Nothing is written for it: every value is the default.</Empty> : <Values values={values} />}
      <div className="card-body">
        <Button size="small" onClick={() => setShowsAll(!showsAll)}>
          {showsAll ? "Show only what the file sets" : "Show the defaults too"}
        </Button>
      </div>
    </Card>
  );
}

function Values({ values }: { values: readonly ExplainedValue[] }): ReactNode {
  return (
    <table className="table tall">
      <thead>
        <tr>
          <th scope="col">Key</th>
          <th scope="col">Value</th>
          <th scope="col">Set by</th>
        </tr>
      </thead>
      <tbody>
        {values.map(({ key, value, source, at }) => (
          <tr key={key}>
            <td className="mono wrap-any">{key}</td>
            <td className="mono wrap-any">{value}</td>
            <td className="wrap-any">
              {at === null ? <span className="dim">{source}</span> : <code className="chip">{at}</code>}
              {at !== null && <div className="dim tiny mono">{source}</div>}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
