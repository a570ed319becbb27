// One folder of the workspace: what is in it, the way to it, and files that are sent there.
import { Link } from "@tanstack/react-router";
import { File, FileQuestion, FileSymlink, Folder as FolderIcon, FolderOpen, FolderSymlink } from "lucide-react";
import { type ReactNode, useState } from "react";
import { useGateway, useMay } from "../../connection/context.tsx";
import type { AnswerOf } from "../../connection/methods.ts";
import { Card, Empty } from "../../parts/card.tsx";
import { ErrorNotice } from "../../parts/notice.tsx";
import { useNow } from "../../parts/use-now.ts";
import { VirtualBody } from "../../parts/virtual-body.tsx";
import { joinPath, nameOf, parentOf, toSteps } from "../../text/paths.ts";
import { renderBytes } from "../../text/size.ts";
import { renderAgo, renderMoment } from "../../text/time.ts";
import { EntryActions } from "./entry-actions.tsx";
import { NewEntry } from "./new-entry.tsx";
import { Uploads } from "./uploads.tsx";
import { useDecision } from "./use-files.ts";

/** Each look is a command of some 50 ms in the sandbox. */
const POLL_MS = 10_000;
/** As parts.css has it. */
const ROW_PX = 40;

type Entry = AnswerOf<"files.list">["items"][number];

interface FolderProps {
  sessionKey: string;
  path: string;
  /** null: none. */
  openFile: string | null;
  openPath(to: { folder: string; file?: string }): void;
}

export function Folder({ sessionKey, path, openFile, openPath }: FolderProps): ReactNode {
  const { data, error } = useGateway("files.list", { key: sessionKey, path }, { everyMs: POLL_MS });
  const writing = useDecision(sessionKey, "write");
  const mayWrite = useMay("files.makeFolder");
  const items = data?.items.toSorted(byKindAndName) ?? [];
  return (
    <div className="stack folder">
      <Card title={path === "" ? "Workspace" : nameOf(path)} aside={<Way sessionKey={sessionKey} path={path} />} flush>
        {error !== null && (
          <div className="card-body">
            <ErrorNotice error={error} what="The folder could not be looked at" />
          </div>
        )}
        {data?.items.length === 0 && <Empty icon={<FolderOpen aria-hidden="true" />}>Nothing is in this folder.</Empty>}
        {items.length > 0 && <Entries sessionKey={sessionKey} path={path} items={items} openFile={openFile} />}
        {data !== undefined && mayWrite && writing?.allowed === true && (
          <div className="card-body row">
            <NewEntry
              sessionKey={sessionKey}
              folder={path}
              openFile={(file) => openPath({ folder: path, file })}
              openFolder={(folder) => openPath({ folder })}
            />
            {path !== "" && (
              <EntryActions
                sessionKey={sessionKey}
                path={path}
                kind="folder"
                version={null}
                inside={items.map(({ name, kind }) => (kind === "folder" ? `${name}/` : name))}
                insideTotal={data.total}
                moved={(to) => openPath({ folder: to })}
                removed={() => openPath({ folder: parentOf(path) })}
              />
            )}
          </div>
        )}
        {data !== undefined && data.total > items.length && (
          <p className="card-foot dim small">
            {items.length} of {data.total} are shown.
          </p>
        )}
      </Card>
      {data !== undefined && <Uploads sessionKey={sessionKey} folder={path} />}
    </div>
  );
}

function byKindAndName(one: Entry, other: Entry): number {
  const isFolder = (entry: Entry): number => (entry.kind === "folder" ? 0 : 1);
  return isFolder(one) - isFolder(other) || one.name.localeCompare(other.name, undefined, { numeric: true });
}

function Way({ sessionKey, path }: { sessionKey: string; path: string }): ReactNode {
  const steps = [{ name: "workspace", path: "" }, ...toSteps(path)].slice(0, -1);
  if (steps.length === 0) return null;
  return (
    <nav className="row way" aria-label="Folders above">
      {steps.map((step) => (
        <span key={step.path} className="row">
          <Link to="/sessions/$key/files" params={{ key: sessionKey }} search={step.path === "" ? {} : { folder: step.path }}>
            {step.name}
          </Link>
          <span aria-hidden="true">/</span>
        </span>
      ))}
    </nav>
  );
}

interface EntriesProps extends Omit<FolderProps, "openPath"> {
  items: readonly Entry[];
}

function Entries({ sessionKey, path, items, openFile }: EntriesProps): ReactNode {
  const [scroller, setScroller] = useState<HTMLElement | null>(null);
  return (
    <section className="table-scroll" ref={setScroller} aria-label="What is in the folder">
      <table className="table" aria-rowcount={items.length + 1}>
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col" className="file-column-size">
              Size
            </th>
            <th scope="col" className="file-column-age">
              Changed
            </th>
          </tr>
        </thead>
        <VirtualBody scroller={scroller} count={items.length} rowPx={ROW_PX} columns={3}>
          {(index) => {
            const entry = items[index];
            if (entry === undefined) return null;
            const full = joinPath(path, entry.name);
            return <Row key={entry.name} sessionKey={sessionKey} folder={path} full={full} entry={entry} isOpen={full === openFile} />;
          }}
        </VirtualBody>
      </table>
    </section>
  );
}

interface RowProps {
  sessionKey: string;
  folder: string;
  /** The entry's own path. */
  full: string;
  entry: Entry;
  isOpen: boolean;
}

function Row({ sessionKey, folder, full, entry, isOpen }: RowProps): ReactNode {
  const now = useNow();
  const { name, kind, isLink, bytes, modifiedAt } = entry;
  const Icon = ICONS[kind][isLink ? "link" : "own"];
  const search = kind === "folder" ? { folder: full } : { ...(folder !== "" && { folder }), file: full };
  return (
    <tr data-chosen={isOpen}>
      <td>
        <div className="row entry">
          <Icon size={15} aria-hidden="true" />
          {kind === "other" ? (
            <span className="truncate dim" title="It is no file that could be opened">
              {name}
            </span>
          ) : (
            <Link className="row-link truncate" to="/sessions/$key/files" params={{ key: sessionKey }} search={search}>
              {name}
            </Link>
          )}
          {kind === "folder" && <span className="sr-only">folder</span>}
          {isLink && <span className="sr-only">link</span>}
        </div>
      </td>
      <td className="file-column-size nowrap dim">{bytes === null ? "" : renderBytes(bytes)}</td>
      <td className="file-column-age nowrap dim">
        <time dateTime={new Date(modifiedAt).toISOString()} title={renderMoment(modifiedAt, now)}>
          {renderAgo(modifiedAt, now)}
        </time>
      </td>
    </tr>
  );
}

const ICONS = {
  file: { own: File, link: FileSymlink },
  folder: { own: FolderIcon, link: FolderSymlink },
  other: { own: FileQuestion, link: FileQuestion },
} as const;
