// Makes a file or a folder in the folder that is shown; what has the name already stays as it is.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { FilePlus, FolderPlus } from "lucide-react";
import type { ReactNode } from "react";
import { useLink } from "../../connection/context.tsx";
import { Ask } from "../../parts/ask.tsx";
import { Button } from "../../parts/button.tsx";
import { ErrorNotice } from "../../parts/notice.tsx";
import { toCommand } from "../../text/command.ts";
import { findPathProblem, joinPath } from "../../text/paths.ts";
import { useSessionFiles } from "./use-files.ts";

interface NewEntryProps {
  sessionKey: string;
  folder: string;
  openFile(path: string): void;
  openFolder(path: string): void;
}

export function NewEntry({ sessionKey, folder, openFile, openFolder }: NewEntryProps): ReactNode {
  const [link, queries, files] = [useLink(), useQueryClient(), useSessionFiles(sessionKey)];
  const listed = (): void => void queries.invalidateQueries({ queryKey: ["files.list"] });
  const file = useMutation({
    mutationFn: (path: string) => files.write(path, { body: new Uint8Array(), expected: "none" }),
    onSuccess: (_nothing, path) => openFile(path),
    onSettled: listed,
  });
  const made = useMutation({
    mutationFn: (path: string) => link.call("files.makeFolder", { key: sessionKey, path }),
    onSuccess: (_answer, path) => openFolder(path),
    onSettled: listed,
  });
  const inside = (...words: string[]) => toCommand("sandbox", "exec", sessionKey, "--", ...words);
  return (
    <>
      <Ask
        title="New file"
        label="Name"
        hint={folder === "" ? "In the workspace." : `In ${folder}.`}
        act="Create it"
        check={findPathProblem}
        toCommand={(name) => inside("touch", "--", joinPath(folder, name))}
        answer={(name) => file.mutate(joinPath(folder, name))}
        trigger={
          <Button size="small" disabled={file.isPending}>
            <FilePlus aria-hidden="true" />
            New file
          </Button>
        }
      />
      <Ask
        title="New folder"
        label="Name"
        hint={folder === "" ? "In the workspace." : `In ${folder}.`}
        act="Create it"
        check={findPathProblem}
        toCommand={(name) => inside("mkdir", "--", joinPath(folder, name))}
        answer={(name) => made.mutate(joinPath(folder, name))}
        trigger={
          <Button size="small" disabled={made.isPending}>
            <FolderPlus aria-hidden="true" />
            New folder
          </Button>
        }
      />
      {file.error !== null && <ErrorNotice error={file.error} what="The file was not created" />}
      {made.error !== null && <ErrorNotice error={made.error} what="The folder was not created" />}
    </>
  );
}
