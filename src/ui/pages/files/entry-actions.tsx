// Another name or place for what is shown, and its removal after a question that says what would be lost. A file that is another one by now stays as it is.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { PencilLine, Trash2 } from "lucide-react";
import type { ReactNode } from "react";
import { useLink, useMay } from "../../connection/context.tsx";
import { Ask } from "../../parts/ask.tsx";
import { Button } from "../../parts/button.tsx";
import { Confirm } from "../../parts/confirm.tsx";
import { ErrorNotice } from "../../parts/notice.tsx";
import { toCommand } from "../../text/command.ts";
import { findPathProblem, nameOf } from "../../text/paths.ts";
import { useDecision } from "./use-files.ts";

interface EntryActionsProps {
  sessionKey: string;
  path: string;
  kind: "file" | "folder";
  /** Of the file as it was last seen. null: whatever is there is meant, as with folders. */
  version: string | null;
  /** Of a folder: what was seen in it last. Empty for a file. */
  inside: readonly string[];
  /** How many those are, with others that were not listed. */
  insideTotal: number;
  moved(path: string): void;
  removed(): void;
}

export function EntryActions({
  sessionKey,
  path,
  kind,
  version,
  inside: entries,
  insideTotal,
  moved,
  removed,
}: EntryActionsProps): ReactNode {
  const [link, queries] = [useLink(), useQueryClient()];
  const writing = useDecision(sessionKey, "write");
  const may = useMay("files.remove");
  const bound = version === null ? {} : { version };
  // Where that leads is of no interest any more once something else was opened: those who are gone are not told.
  const onSettled = (): void => void queries.invalidateQueries({ queryKey: ["files.list"] });
  const move = useMutation({
    mutationFn: (to: string) => link.call("files.move", { key: sessionKey, from: path, to, ...bound }),
    onSettled,
  });
  // One that looked empty goes only if it still is.
  const isFull = insideTotal > 0;
  const remove = useMutation({
    mutationFn: () => link.call("files.remove", { key: sessionKey, path, ...bound, ...(isFull && { contents: "remove" }) }),
    onSettled,
  });
  if (!may || writing?.allowed !== true) return null;
  const inside = (...words: string[]) => toCommand("sandbox", "exec", sessionKey, "--", ...words);
  const isBusy = move.isPending || remove.isPending;
  return (
    <>
      <Ask
        title={`Rename or move ${nameOf(path)}`}
        label="New path"
        begin={path}
        hint="From the workspace on. Nothing is replaced, and its folder must be there."
        act="Move it"
        check={findPathProblem}
        toCommand={(to) => inside("mv", "-n", "--", path, to)}
        answer={(to) => move.mutate(to, { onSuccess: () => moved(to) })}
        trigger={
          <Button size="small" disabled={isBusy}>
            <PencilLine aria-hidden="true" />
            {kind === "file" ? "Rename" : "Rename folder"}
          </Button>
        }
      />
      <Confirm
        title={isFull ? `Delete ${nameOf(path)} and all that is in it?` : `Delete ${nameOf(path)}?`}
        act={isFull ? "Delete all of it" : "Delete"}
        command={kind === "file" ? inside("rm", "--", path) : isFull ? inside("rm", "-r", "--", path) : inside("rmdir", "--", path)}
        onConfirm={() => remove.mutate(undefined, { onSuccess: removed })}
        trigger={
          <Button kind="danger" size="small" disabled={isBusy}>
            <Trash2 aria-hidden="true" />
            {kind === "file" ? "Delete" : "Delete folder"}
          </Button>
        }
      >
        {kind === "file" && "The file is gone then: nothing keeps a copy of it. If it changed since it was opened here, it stays."}
        {kind === "folder" && !isFull && "Nothing is in it. If something comes meanwhile, it stays."}
        {isFull && <Lost names={entries} total={insideTotal} />}
      </Confirm>
      {move.error !== null && <ErrorNotice error={move.error} what="Not moved" />}
      {remove.error !== null && <ErrorNotice error={remove.error} what="Not deleted" />}
    </>
  );
}

/** In the question; the list behind it has all of them. */
const NAMED_MAX = 6;

function Lost({ names, total }: { names: readonly string[]; total: number }): ReactNode {
  const more = total - Math.min(names.length, NAMED_MAX);
  return (
    <>
      <p>These are lost, with all that is in folders among them and what comes meanwhile. Nothing keeps a copy.</p>
      <ul className="lost">
        {names.slice(0, NAMED_MAX).map((name) => (
          <li key={name} className="mono wrap-any">
            {name}
          </li>
        ))}
        {more > 0 && <li>and {more} more</li>}
      </ul>
    </>
  );
}
