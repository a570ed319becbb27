// Values in force, each with the line of the config that sets it; those that nobody set only where they are asked for.
import { type ReactNode, useState } from "react";
import type { ExplainedValue } from "../../api/explain-view.ts";
import { Button } from "./button.tsx";
import { Empty } from "./card.tsx";

export function ExplainedValues({ values }: { values: readonly ExplainedValue[] }): ReactNode {
  const [showsAll, setShowsAll] = useState(false);
  const shown = showsAll ? values : values.filter(({ at }) => at !== null);
  return (
    <>
      {shown.length === 0 ? <Empty>Nothing is written for it: every value is the default.</Empty> : <Values values={shown} />}
      <div className="card-body">
        <Button size="small" onClick={() => setShowsAll(!showsAll)}>
          {showsAll ? "Show only what the file sets" : "Show the defaults too"}
        </Button>
      </div>
    </>
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
        {values.map(({ key, value, source, at, over }) => (
          <tr key={key}>
            <td className="mono wrap-any">{key}</td>
            <td className="mono wrap-any">{value}</td>
            <td className="wrap-any" data-head="set by">
              {at === null ? <span className="dim">{source}</span> : <code className="chip place">{at}</code>}
              {at !== null && <div className="dim tiny mono">{source}</div>}
              {over !== null && <div className="dim tiny">instead of {over}</div>}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
