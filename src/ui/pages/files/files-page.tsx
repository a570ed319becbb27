// A session's workspace: its folders beside the file that is open. Looking at folders is no use of the sandbox; opening a file is.
import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { useGateway } from "../../connection/context.tsx";
import { Waiting } from "../../parts/notice.tsx";
import { OnHost, Refusal } from "../../parts/refusal.tsx";
import { FileView } from "./file-view.tsx";
import { Folder } from "./folder.tsx";
import { usePolicy } from "./use-files.ts";
import "../../styles/work.css";

export function FilesPage(): ReactNode {
  const { key } = useParams({ from: "/sessions/$key/files" });
  const { folder = "", file } = useSearch({ from: "/sessions/$key/files" });
  const navigate = useNavigate({ from: "/sessions/$key/files" });
  const { decision: reading, error } = usePolicy(key, "read");
  const session = useGateway("sessions.get", { key });
  if (reading === undefined || session.data === undefined)
    return <Waiting errors={[error, session.error]} what="The session could not be read" />;
  if (!session.data.sandboxed) return <OnHost sessionKey={key} what="serves no files" />;
  if (!reading.allowed) return <Refusal title="The session's policy does not let its files be read." decision={reading} />;
  const openPath = ({ folder: inside, file: path }: { folder: string; file?: string }): void =>
    void navigate({ search: { ...(inside !== "" && { folder: inside }), ...(path !== undefined && { file: path }) } });
  const open = (path: string | undefined): void => openPath({ folder, ...(path !== undefined && { file: path }) });
  return (
    <div className={file === undefined ? "stack" : "split files-split"}>
      <Folder sessionKey={key} path={folder} openFile={file ?? null} openPath={openPath} />
      {file !== undefined && <FileView key={file} sessionKey={key} path={file} open={open} />}
    </div>
  );
}
