// A text that is edited and saved over the version that was opened, and over no other: where the file changed meanwhile nothing is saved, both texts
// stay on the page, and a person decides.
import { useBlocker } from "@tanstack/react-router";
import { Save } from "lucide-react";
import type { ReactNode } from "react";
import { useMay } from "../../connection/context.tsx";
import type { ReadFile } from "../../connection/files.ts";
import { Button } from "../../parts/button.tsx";
import { ErrorNotice } from "../../parts/notice.tsx";
import { Refusal } from "../../parts/refusal.tsx";
import { nameOf } from "../../text/paths.ts";
import { Conflict } from "./conflict.tsx";
import { FileText } from "./lazy-file-text.tsx";
import { type Editing, type OpenedText, useEditing } from "./use-editing.ts";
import { type FileViewProps, useDecision, useSessionFiles } from "./use-files.ts";

interface FileEditorProps extends FileViewProps {
  opened: OpenedText;
  /** What the file is now. */
  saved(now: ReadFile): void;
}

export function FileEditor({ sessionKey, path, open, opened, saved }: FileEditorProps): ReactNode {
  const writing = useDecision(sessionKey, "write");
  const mayWrite = useMay("tools.call");
  const editing = useEditing({ files: useSessionFiles(sessionKey), path, saved }, opened);
  const { text, setText, isDirty, theirs, save, saveBeside } = editing;
  const name = nameOf(path);
  const canWrite = mayWrite && writing?.allowed === true;
  const canSave = canWrite && isDirty && theirs === null && !save.isPending;
  useBlocker({
    shouldBlockFn: () => isDirty && !window.confirm(`Leave ${name}? What you changed is not saved.`),
    enableBeforeUnload: () => isDirty,
  });
  return (
    <>
      {writing?.allowed === false && <Refusal title="The session's policy lets it be read, not written." decision={writing} />}
      {theirs !== null && <Conflict name={name} theirs={theirs} editing={editing} open={open} />}
      {saveBeside.error !== null && <ErrorNotice error={saveBeside.error} what="Your text was not saved beside it" />}
      {save.error !== null && theirs === null && <ErrorNotice error={save.error} what="Not saved" />}
      <div className="field">
        {theirs !== null && <p className="hint">Your text</p>}
        <FileText
          label={theirs === null ? `Text of ${name}` : "Your text"}
          name={name}
          text={text}
          isReadOnly={!canWrite}
          changed={setText}
          save={() => canSave && editing.saveOver()}
        />
      </div>
      {canWrite && <SaveRow editing={editing} canSave={canSave} />}
    </>
  );
}

function SaveRow({ editing, canSave }: { editing: Editing; canSave: boolean }): ReactNode {
  const { isDirty, save, saveOver, undoAll } = editing;
  return (
    <div className="row">
      <Button kind="primary" disabled={!canSave} onClick={saveOver}>
        <Save aria-hidden="true" />
        {save.isPending ? "Saving" : "Save"}
      </Button>
      <Button disabled={!canSave} onClick={undoAll}>
        Undo all
      </Button>
      <span className="dim small" role="status">
        {isDirty ? "Not saved yet. Ctrl-S saves." : save.isSuccess ? "Saved." : "As it is in the sandbox."}
      </span>
    </div>
  );
}
