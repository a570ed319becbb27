// Files that go with a message: each is put into the workspace's media/inbound first, by the gateway's own endpoint for that, and named to the agent then.
// When the message leaves is composer.tsx's.
import { LoaderCircle, X } from "lucide-react";
import { type ReactNode, useState } from "react";
import { FILE_BYTES_MAX } from "../../connection/files.ts";
import { Button } from "../../parts/button.tsx";
import { nameOf } from "../../text/paths.ts";
import { renderBytes } from "../../text/size.ts";
import { useSessionFiles } from "../files/use-files.ts";

/** As the gateway takes with one message. */
const ATTACHMENTS_MAX = 10;

interface Attached {
  id: number;
  name: string;
  bytes: number;
  mediaType: string;
  state: { kind: "sends" } | { kind: "done"; path: string } | { kind: "failed"; why: string };
}

export interface Attachments {
  items: readonly Attached[];
  /** Of those that are there. */
  sent: { path: string; mediaType: string }[];
  isBusy: boolean;
  add(files: readonly File[]): void;
  remove(id: number): void;
  clear(): void;
}

export function useAttachments(sessionKey: string): Attachments {
  const files = useSessionFiles(sessionKey);
  const [items, setItems] = useState<readonly Attached[]>([]);
  const become = (id: number, state: Attached["state"]): void =>
    setItems((before) => before.map((item) => (item.id === id ? { ...item, state } : item)));
  const start = async (id: number, file: File): Promise<void> => {
    try {
      become(id, { kind: "done", path: await files.receive(file.name, file) });
    } catch (error) {
      become(id, { kind: "failed", why: error instanceof Error ? error.message : String(error) });
    }
  };
  const add = (chosen: readonly File[]): void => {
    const from = (items.at(-1)?.id ?? 0) + 1;
    const room = chosen.slice(0, ATTACHMENTS_MAX - items.length);
    const added = room.map((file, at): Attached => {
      const state =
        file.size > FILE_BYTES_MAX
          ? ({ kind: "failed", why: `more than ${renderBytes(FILE_BYTES_MAX)}` } as const)
          : { kind: "sends" as const };
      return { id: from + at, name: file.name, bytes: file.size, mediaType: file.type || "application/octet-stream", state };
    });
    setItems((before) => [...before, ...added]);
    for (const [at, file] of room.entries()) if (added[at]?.state.kind === "sends") void start(from + at, file);
  };
  return {
    items,
    sent: items.flatMap(({ state, mediaType }) => (state.kind === "done" ? [{ path: state.path, mediaType }] : [])),
    isBusy: items.some(({ state }) => state.kind === "sends"),
    add,
    remove: (id) => setItems((before) => before.filter((item) => item.id !== id)),
    clear: () => setItems([]),
  };
}

export function AttachmentList({ attachments: { items, remove } }: { attachments: Attachments }): ReactNode {
  if (items.length === 0) return null;
  return (
    <ul className="row chat-attached" aria-label="Attached" aria-live="polite">
      {items.map(({ id, name, bytes, state }) => (
        <li key={id} className="row tiny" data-state={state.kind}>
          {state.kind === "sends" && <LoaderCircle aria-hidden="true" className="spin" size={12} />}
          <code className="chip">{state.kind === "done" ? nameOf(state.path) : name}</code>
          <span className="dim">{state.kind === "failed" ? state.why : renderBytes(bytes)}</span>
          <Button kind="ghost" size="small" aria-label={`Leave out ${name}`} onClick={() => remove(id)}>
            <X aria-hidden="true" />
          </Button>
        </li>
      ))}
    </ul>
  );
}
