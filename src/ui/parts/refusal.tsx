// Says that a session's policy does not allow something: by which rule, where that stands, and what would allow it.
import type { ReactNode } from "react";
import { Notice } from "./notice.tsx";

interface RefusalProps {
  /** What is not there because of it, as a sentence. */
  title: string;
  decision: { rule: string; source: string; fix: string | null };
}

export function Refusal({ title, decision: { rule, source, fix } }: RefusalProps): ReactNode {
  return (
    <Notice tone="rest" title={title}>
      <p>
        {rule} <code className="chip">{source}</code>
      </p>
      {fix !== null && <p>{fix}</p>}
    </Notice>
  );
}
