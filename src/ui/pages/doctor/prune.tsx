// The question before what nothing owns is removed, which lists what would be lost, and what came of it. For the doctor's page and a sandbox's own.
import { Trash2 } from "lucide-react";
import type { ReactNode } from "react";
import type { UnownedObject } from "../../../api/wire.ts";
import { useGateway } from "../../connection/context.tsx";
import { Button } from "../../parts/button.tsx";
import { Confirm } from "../../parts/confirm.tsx";
import { ErrorNotice, Notice } from "../../parts/notice.tsx";
import { useNow } from "../../parts/use-now.ts";
import { toCommand } from "../../text/command.ts";
import { renderAgo } from "../../text/time.ts";
import { renderSizeOf } from "../../text/unowned.ts";

/** In the question; the doctor's list has all of them. */
const NAMED_MAX = 6;

interface PruneProps {
  title: string;
  /** What would be lost. */
  children: ReactNode;
  isPending: boolean;
  prune(): void;
}

export function PruneButton({ title, children, isPending, prune }: PruneProps): ReactNode {
  return (
    <Confirm
      title={title}
      act="Prune"
      command={toCommand("sandbox", "prune")}
      onConfirm={prune}
      trigger={
        <Button kind="danger" disabled={isPending}>
          <Trash2 aria-hidden="true" />
          {isPending ? "Pruning" : "Prune"}
        </Button>
      }
    >
      {children}
    </Confirm>
  );
}

/** @param at when it was looked */
export function WhatIsLost({ due, at }: { due: readonly UnownedObject[]; at: number }): ReactNode {
  const now = useNow();
  if (due.length === 0)
    return <p>As of {renderAgo(at, now)}, nothing would be lost: every object of this controller has an owner, or stays on purpose.</p>;
  return (
    <>
      <p>As of {renderAgo(at, now)}, these would be lost, with the files in them:</p>
      <ul className="lost">
        {due.slice(0, NAMED_MAX).map(({ kind, name, size }) => (
          <li key={`${kind} ${name}`} className="wrap-any">
            {kind} <span className="mono">{name}</span>
            {size !== null && <span className="dim"> {renderSizeOf(size)}</span>}
          </li>
        ))}
        {due.length > NAMED_MAX && <li>and {due.length - NAMED_MAX} more</li>}
      </ul>
      <p>Nothing that a sandbox uses is among them. This browser signs the request.</p>
    </>
  );
}

/** The same, of a look that is taken when the question is asked. */
export function WhatIsLostNow(): ReactNode {
  const { data, error } = useGateway("doctor.report", {});
  if (error !== null) return <ErrorNotice error={error} what="What would be lost could not be looked at" />;
  if (data === undefined) return <p>Looking at what would be lost</p>;
  return <WhatIsLost due={data.unowned.filter(({ fate }) => fate === "removable")} at={data.at} />;
}

/** @param left how many could not go yet */
export function Removed({ names, left }: { names: readonly string[]; left: number }): ReactNode {
  return (
    <Notice tone="good" title={names.length === 0 ? "Nothing could be removed yet." : `Removed: ${names.join(", ")}.`}>
      {left > 0 && "What is left goes within minutes: containers, and what was seen for the first time, wait for a later sweep."}
    </Notice>
  );
}
