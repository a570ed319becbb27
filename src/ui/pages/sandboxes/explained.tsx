// Which line of the config sets what, for one sandbox; what has no effect, and what can't be told.
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import type { ExplainView } from "../../../api/explain-view.ts";
import { Card } from "../../parts/card.tsx";
import { ExplainedValues } from "../../parts/explained-values.tsx";
import { ErrorNotice, Notice } from "../../parts/notice.tsx";

export function Explained({ explained: { data, error } }: { explained: UseQueryResult<ExplainView, Error> }): ReactNode {
  if (error !== null) return <ErrorNotice error={error} what="It could not be explained" />;
  if (data === undefined) return null;
  return (
    <Card title="What the config says" aside={data.config} flush>
      {data.missing.map((missing) => (
        <Notice key={missing} tone="wait" title={missing} />
      ))}
      <ExplainedValues values={data.values} />
    </Card>
  );
}
