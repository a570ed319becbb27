// A file that changed while it was edited: what it is now, beside what a person wrote, and every way on. Nothing of either is lost before one is chosen.
import type { ReactNode } from "react";
import { Button } from "../../parts/button.tsx";
import { Notice } from "../../parts/notice.tsx";
import { FileText } from "./lazy-file-text.tsx";
import type { Editing, Theirs } from "./use-editing.ts";

interface ConflictProps {
  name: string;
  theirs: Theirs;
  editing: Pick<Editing, "save" | "saveBeside" | "take">;
  open(path: string): void;
}

const SAYS: Readonly<Record<Theirs["kind"], string>> = {
  text: "What it is now stands below.",
  other: "It is now something that a page can't show.",
  gone: "It is not there any more.",
};

export function Conflict({ name, theirs, editing: { save, saveBeside, take }, open }: ConflictProps): ReactNode {
  const isBusy = save.isPending || saveBeside.isPending;
  const saved = saveBeside.data;
  return (
    <>
      <div className="conflict">
        <Notice tone="wait" title={`${name} changed while you edited it, so nothing was saved over it.`}>
          <p>{SAYS[theirs.kind]} Your text is still here.</p>
          <div className="row conflict-actions">
            <Button disabled={isBusy} onClick={() => saveBeside.mutate()}>
              Save mine beside it
            </Button>
            <Button kind="danger" disabled={isBusy} onClick={() => save.mutate(theirs)}>
              Overwrite it with mine
            </Button>
            {theirs.kind === "text" && (
              <Button disabled={isBusy} onClick={() => take(theirs)}>
                Drop mine, go on with it
              </Button>
            )}
          </div>
          {saved !== undefined && (
            <p>
              Yours is in{" "}
              <button type="button" className="text-button" onClick={() => open(saved)}>
                {saved}
              </button>
              .
            </p>
          )}
        </Notice>
      </div>
      {theirs.kind === "text" && (
        <div className="field">
          <p className="hint">As it is now</p>
          <FileText label="As it is now" name={name} text={theirs.text} isReadOnly={true} />
        </div>
      )}
    </>
  );
}
