// What a person may have done to one sandbox from the page; what only the command line may do, its command says.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { CircleStop, Pin, PinOff, RotateCcw } from "lucide-react";
import type { ReactNode } from "react";
import type { Sandbox } from "../../../api/sandbox.ts";
import { killSandbox, pruneUnowned } from "../../connection/approve.ts";
import { useLink, useMay } from "../../connection/context.tsx";
import { openIdentity } from "../../connection/identity.ts";
import { useApprovals } from "../../connection/use-approvals.ts";
import { Button, Command } from "../../parts/button.tsx";
import { Confirm } from "../../parts/confirm.tsx";
import { ErrorNotice, Notice } from "../../parts/notice.tsx";
import { toCommand } from "../../text/command.ts";
import { PruneButton, Removed, WhatIsLostNow } from "../doctor/prune.tsx";

export function SandboxActions({ sandbox }: { sandbox: Sandbox }): ReactNode {
  const [link, may] = [useLink(), useMay("sandbox.recreate")];
  const { name } = sandbox.metadata;
  const isPinned = sandbox.status.conditions.some(({ reason }) => reason === "Pinned");
  const recreate = useMutation({ mutationFn: () => link.call("sandbox.recreate", { name }) });
  const pin = useMutation({ mutationFn: (pinned: boolean) => link.call("sandbox.pin", { name, pinned }) });
  if (!may) return null;
  return (
    <div className="stack commands">
      <div className="row">
        <Confirm
          title="Make a new container?"
          act="Recreate"
          command={toCommand("sandbox", "recreate", ...toTarget(sandbox))}
          onConfirm={() => recreate.mutate()}
          trigger={
            <Button disabled={recreate.isPending}>
              <RotateCcw aria-hidden="true" />
              Recreate
            </Button>
          }
        >
          {sandbox.spec.kind === "browser"
            ? "Its tabs, sign-ins and downloads are gone. It waits until no tool is connected."
            : "The workspace stays. What is outside it is gone: installed packages, files in /tmp. It waits until no command runs in it."}
        </Confirm>
        <Button disabled={pin.isPending} onClick={() => pin.mutate(!isPinned)}>
          {isPinned ? <PinOff aria-hidden="true" /> : <Pin aria-hidden="true" />}
          {isPinned ? "Unpin" : "Pin"}
        </Button>
        <span className="dim small grow">
          {isPinned ? "It is kept as it is, whatever the config says." : "A pinned sandbox is kept as it is."}
        </span>
      </div>
      <Ending sandbox={sandbox} />
      <Pruning />
      {recreate.isSuccess && <Notice tone="busy" title="Requested: a new container is made as soon as nothing runs in this one." />}
      {recreate.error !== null && <ErrorNotice error={recreate.error} what="Not requested" />}
      {pin.isSuccess && (
        <Notice tone="good" title={pin.variables ? "Pinned: the config may change, this container stays." : "No longer pinned."} />
      )}
      {pin.error !== null && <ErrorNotice error={pin.error} what={isPinned ? "Not unpinned" : "Not pinned"} />}
    </div>
  );
}

/** What carries this browser's signature; where that does not count, the command. A held removal is the command line's in any browser. */
function Ending({ sandbox }: { sandbox: Sandbox }): ReactNode {
  const link = useLink();
  const { name } = sandbox.metadata;
  const uid = sandbox.status.container?.uid ?? null;
  const { maySign, held } = useApprovals();
  const kill = useMutation({
    mutationFn: async (of: string) => await killSandbox(link, await openIdentity(), { name, uid: of }),
  });
  const command = toCommand("sandbox", "recreate", ...toTarget(sandbox), "--kill");
  const removal = held.find((one) => one.name === name);
  return (
    <>
      {removal !== undefined && (
        <Notice tone="wait" title={`Its removal is awaiting approval: ${removal.because}`}>
          <Command text={toCommand("sandbox", "approve")} />
        </Notice>
      )}
      {maySign && uid !== null ? (
        <div className="row">
          <Confirm
            title="End what runs in it?"
            act="End it and recreate"
            command={command}
            onConfirm={() => kill.mutate(uid)}
            trigger={
              <Button kind="danger" disabled={kill.isPending}>
                <CircleStop aria-hidden="true" />
                End what runs and recreate
              </Button>
            }
          >
            Every command and process in it ends now. The workspace stays; what is outside it is gone. This browser signs the request.
          </Confirm>
        </div>
      ) : (
        <div className="field">
          <p className="hint">To end what runs in it and recreate it, from the command line:</p>
          <Command text={command} />
        </div>
      )}
      {kill.isSuccess && <Notice tone="busy" title="What runs in it is ended, and a new container is made." />}
      {kill.error !== null && <ErrorNotice error={kill.error} what="Not ended" />}
    </>
  );
}

/** Of what earlier containers of this and other sandboxes left: this one is in nobody's way, and stays. */
function Pruning(): ReactNode {
  const [link, queries] = [useLink(), useQueryClient()];
  const { maySign } = useApprovals();
  const prune = useMutation({
    mutationFn: async () => await pruneUnowned(link, await openIdentity()),
    onSettled: () => queries.invalidateQueries({ queryKey: ["doctor.report"] }),
  });
  if (!maySign)
    return (
      <div className="field">
        <p className="hint">To remove what no sandbox owns any more, from the command line:</p>
        <Command text={toCommand("sandbox", "prune")} />
      </div>
    );
  return (
    <>
      <div className="row">
        <PruneButton title="Remove what no sandbox owns any more?" isPending={prune.isPending} prune={() => prune.mutate()}>
          <WhatIsLostNow />
        </PruneButton>
        <span className="dim small grow">Removes what no sandbox owns any more; this one stays.</span>
      </div>
      {prune.data !== undefined && <Removed names={prune.data} left={0} />}
      {prune.error !== null && <ErrorNotice error={prune.error} what="Not pruned" />}
    </>
  );
}

/** As `sandbox recreate` takes it. */
function toTarget({ metadata, spec: { kind, scope, scopeKey, agentId } }: Sandbox): string[] {
  // A session's key would mean the sandbox beside it too.
  if (kind === "browser") return [metadata.name];
  if (scope === "session") return ["--session", scopeKey];
  return agentId === null ? ["--all"] : ["--agent", agentId];
}
