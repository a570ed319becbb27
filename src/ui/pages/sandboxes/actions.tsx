// What a person may have done to one sandbox from the page; what only the command line may do, its command says.
import { useMutation } from "@tanstack/react-query";
import { Pin, PinOff, RotateCcw } from "lucide-react";
import type { ReactNode } from "react";
import type { Sandbox } from "../../../api/sandbox.ts";
import { useLink } from "../../connection/context.tsx";
import { Button } from "../../parts/button.tsx";
import { Confirm } from "../../parts/confirm.tsx";
import { ErrorNotice, Notice } from "../../parts/notice.tsx";
import { toCommand } from "../../text/command.ts";

export function SandboxActions({ sandbox }: { sandbox: Sandbox }): ReactNode {
  const link = useLink();
  const { name } = sandbox.metadata;
  const isPinned = sandbox.status.conditions.some(({ reason }) => reason === "Pinned");
  const recreate = useMutation({ mutationFn: () => link.call("sandbox.recreate", { name }) });
  const pin = useMutation({ mutationFn: (pinned: boolean) => link.call("sandbox.pin", { name, pinned }) });
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
          The workspace stays. What is outside it is gone: installed packages, files in /tmp. It waits until no command runs in it.
        </Confirm>
        <Button disabled={pin.isPending} onClick={() => pin.mutate(!isPinned)}>
          {isPinned ? <PinOff aria-hidden="true" /> : <Pin aria-hidden="true" />}
          {isPinned ? "Unpin" : "Pin"}
        </Button>
        <span className="dim small grow">
          {isPinned ? "It is kept as it is, whatever the config says." : "A pinned sandbox is kept as it is."}
        </span>
      </div>
      {recreate.isSuccess && <Notice tone="busy" title="Requested: a new container is made as soon as nothing runs in this one." />}
      {recreate.error !== null && <ErrorNotice error={recreate.error} what="Not requested" />}
      {pin.isSuccess && (
        <Notice tone="good" title={pin.variables ? "Pinned: the config may change, this container stays." : "No longer pinned."} />
      )}
      {pin.error !== null && <ErrorNotice error={pin.error} what={isPinned ? "Not unpinned" : "Not pinned"} />}
    </div>
  );
}

/** As `sandbox recreate` takes it. */
function toTarget({ spec: { scope, scopeKey, agentId } }: Sandbox): string[] {
  if (scope === "session") return ["--session", scopeKey];
  return agentId === null ? ["--all"] : ["--agent", agentId];
}
