// What nothing owns, what becomes of each, and its removal now: by this browser where its signature counts, after a question that lists what would be
// lost, else by the command.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import type { ReactNode } from "react";
import type { UnownedObject } from "../../../api/wire.ts";
import { pruneUnowned } from "../../connection/approve.ts";
import { useLink } from "../../connection/context.tsx";
import { openIdentity } from "../../connection/identity.ts";
import { useApprovals } from "../../connection/use-approvals.ts";
import { Command } from "../../parts/button.tsx";
import { Card, Empty } from "../../parts/card.tsx";
import { ErrorNotice } from "../../parts/notice.tsx";
import { StateMark } from "../../parts/state-mark.tsx";
import { toCommand } from "../../text/command.ts";
import type { Tone } from "../../text/state.ts";
import { countUnowned, renderSizeOf } from "../../text/unowned.ts";
import { PruneButton, Removed, WhatIsLost } from "./prune.tsx";

const FATES: Readonly<Record<UnownedObject["fate"], { word: string; tone: Tone }>> = {
  removable: { word: "goes at the next sweep", tone: "wait" },
  waits: { word: "goes later", tone: "rest" },
  kept: { word: "stays", tone: "rest" },
};
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
        {maySign && due.length > 0 && (
          <div className="row">
            <PruneButton title={`Remove ${countUnowned(due)}?`} isPending={prune.isPending} prune={() => prune.mutate()}>
              <WhatIsLost due={due} at={at} />
            </PruneButton>
          </div>
        )}
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
