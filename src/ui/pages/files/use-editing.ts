// The text that a person edits, the version of the file that it is bound to, and what the file became meanwhile. How that looks is file-editor.tsx's.
import { type UseMutationResult, useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { isConflict, type ReadFile, type SessionFiles, TooLarge } from "../../connection/files.ts";
import { toBytes, toContent } from "../../text/file-content.ts";
import { toOtherName } from "../../text/paths.ts";

/** What the file is now. `other`: no text, or too large to be shown. */
export type Theirs =
  | { kind: "text"; text: string; lineEnd: "\n" | "\r\n"; version: string }
  | { kind: "other"; version: string }
  | { kind: "gone" };

export interface OpenedText {
  text: string;
  lineEnd: "\n" | "\r\n";
  version: string;
}

export interface Editing {
  text: string;
  setText(text: string): void;
  isDirty: boolean;
  /** null: as far as is known, the file is what was opened or saved last. */
  theirs: Theirs | null;
  /** Over that version, or where nothing is any more. */
  save: UseMutationResult<Theirs, Error, SavedOver>;
  saveOver(): void;
  /** Beside it, under a name that nothing has; its path comes back. */
  saveBeside: UseMutationResult<string, Error, void>;
  /** Goes on with another text, and drops the person's own. */
  take(opened: OpenedText): void;
  undoAll(): void;
}

type SavedOver = { kind: "gone" } | { version: string };

const SHOWN_BYTES_MAX = 2_097_152;
const SAVE_MS_MAX = 120_000;

interface EditingParts {
  files: SessionFiles;
  path: string;
  /** Told what the file is after it was saved. */
  saved(now: ReadFile): void;
}

export function useEditing({ files, path, saved }: EditingParts, opened: OpenedText): Editing {
  const queries = useQueryClient();
  const [base, setBase] = useState(opened);
  const [text, setText] = useState(opened.text);
  const [theirs, setTheirs] = useState<Theirs | null>(null);
  const write = async (to: string, expected: "none" | { version: string }): Promise<void> => {
    await files.write(to, { body: toBytes(text, base.lineEnd), expected, signal: AbortSignal.timeout(SAVE_MS_MAX) });
    void queries.invalidateQueries({ queryKey: ["files.list"] });
  };
  const save = useMutation({
    mutationFn: async (over: SavedOver) => {
      await write(path, "version" in over ? over : "none");
      return await look(files, path);
    },
    onSuccess: (now) => {
      const isMine = now.kind === "text" && now.text === text;
      setTheirs(isMine ? null : now);
      if (!isMine) return;
      setBase(now);
      saved({ bytes: toBytes(now.text, now.lineEnd), version: now.version });
    },
    onError: async (error) => {
      if (isConflict(error)) setTheirs(await look(files, path).catch(() => null));
    },
  });
  const saveBeside = useMutation({
    mutationFn: async () => {
      const other = toOtherName(path, "mine");
      await write(other, "none");
      return other;
    },
  });
  return {
    ...{ text, setText, theirs, save, saveBeside },
    isDirty: text !== base.text || theirs !== null,
    saveOver: () => save.mutate({ version: base.version }),
    take: (taken) => {
      setBase(taken);
      setText(taken.text);
      setTheirs(null);
      save.reset();
    },
    undoAll: () => setText(base.text),
  };
}

/** As the file is now. @throws GatewayError of everything but that it is gone */
async function look(files: SessionFiles, path: string): Promise<Theirs> {
  try {
    const { bytes, version } = await files.read(path, { bytesMax: SHOWN_BYTES_MAX, signal: AbortSignal.timeout(SAVE_MS_MAX) });
    const content = toContent(bytes);
    return content.kind === "text" ? { ...content, version } : { kind: "other", version };
  } catch (error) {
    if (error instanceof TooLarge) return { kind: "other", version: error.version };
    if (error instanceof Error && isConflict(error)) return { kind: "gone" };
    throw error;
  }
}
