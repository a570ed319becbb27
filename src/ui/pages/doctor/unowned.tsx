// What nothing owns, what becomes of each, and its removal now: by this browser where its signature counts, after a question that lists what would be
// lost, else by the command.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Trash2 } from "lucide-react";
import type { ReactNode } from "react";
import type { UnownedObject } from "../../../api/wire.ts";
import { pruneUnowned } from "../../connection/approve.ts";
import { useLink } from "../../connection/context.tsx";
import { openIdentity } from "../../connection/identity.ts";
import { useApprovals } from "../../connection/use-approvals.ts";
import { Button, Command } from "../../parts/button.tsx";
import { Card, Empty } from "../../parts/card.tsx";
import { Confirm } from "../../parts/confirm.tsx";
import { ErrorNotice, Notice } from "../../parts/notice.tsx";
import { StateMark } from "../../parts/state-mark.tsx";
import { useNow } from "../../parts/use-now.ts";
import { toCommand } from "../../text/command.ts";
import type { Tone } from "../../text/state.ts";
import { renderAgo } from "../../text/time.ts";
import { countUnowned, renderSizeOf } from "../../text/unowned.ts";

const FATES: Readonly<Record<UnownedObject["fate"], { word: string; tone: Tone }>> = {
  removable: { word: "goes at the next sweep", tone: "wait" },
  waits: { word: "goes later", tone: "rest" },
  kept: { word: "stays", tone: "rest" },
};
/** In the question; the list behind it has all of them. */
const NAMED_MAX = 6;

interface UnownedProps {
  objects: readonly UnownedObject[];
  /** When it was looked. */
  at: number;
}

export function Unowned({ objects, at }: UnownedProps): ReactNode {
  const [link, queries] = [useLink(), useQueryClient()];
  const { maySign } = useApprovals();
  const prune = useMutation({
    mutationFn: async () => await pruneUnowned(link, await openIdentity()),
    onSettled: () => queries.invalidateQueries({ queryKey: ["doctor.report"] }),
  });
  // The look may be from before.
  const left = objects.filter(({ kind, name }) => prune.data?.includes(`${kind} ${name}`) !== true);
  const due = left.filter(({ fate }) => fate === "removable");
  return (
    <Card title="What nothing owns" flush>
      {left.length === 0 ? (
        <Empty>Nothing: every object of this controller has an owner.</Empty>
      ) : (
        <ul className="rows">
          {left.map((object) => (
            <UnownedRow key={`${object.kind} ${object.name}`} object={object} />
          ))}
        </ul>
      )}
      <div className="card-body stack commands">
        {prune.data !== undefined && <Removed names={prune.data} left={due.length} />}
        {prune.error !== null && <ErrorNotice error={prune.error} what="Not pruned" />}
        {maySign && due.length > 0 && <PruneButton due={due} at={at} isPending={prune.isPending} prune={() => prune.mutate()} />}
        <p className="soft small">
          {due.length === 0
            ? "Pruning removes now what the next sweep would; the first command only says what that is."
            : `Pruning removes now what the next sweep would: ${countUnowned(due)}. The first command only says what that is.`}
        </p>
        <Command text={toCommand("sandbox", "prune", "--dry-run")} />
        <Command text={toCommand("sandbox", "prune")} />
      </div>
    </Card>
  );
}

function UnownedRow({ object: { kind, name, because, fate, size } }: { object: UnownedObject }): ReactNode {
  return (
    <li>
      <div className="row">
        <strong>{kind}</strong>
        {size !== null && <span className="dim">{renderSizeOf(size)}</span>}
        <StateMark tone={FATES[fate].tone}>{FATES[fate].word}</StateMark>
      </div>
      <p className="mono wrap-any">{name}</p>
      <p className="dim tiny wrap-any">{because}</p>
    </li>
  );
}

interface PruneProps {
  due: readonly UnownedObject[];
  at: number;
  isPending: boolean;
  prune(): void;
}

function PruneButton({ due, at, isPending, prune }: PruneProps): ReactNode {
  const now = useNow();
  return (
    <div className="row">
      <Confirm
        title={`Remove ${countUnowned(due)}?`}
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
      </Confirm>
    </div>
  );
}

function Removed({ names, left }: { names: readonly string[]; left: number }): ReactNode {
  return (
    <Notice tone="good" title={names.length === 0 ? "Nothing could be removed yet." : `Removed: ${names.join(", ")}.`}>
      {left > 0 && "What is left goes within minutes: containers, and what was seen for the first time, wait for a later sweep."}
    </Notice>
  );
}
