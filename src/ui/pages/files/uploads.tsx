// Files on their way into a folder: chosen or dropped, one after the other, each with its progress; what is there already is replaced only if a person says so.
import { useQueryClient } from "@tanstack/react-query";
import { Upload, X } from "lucide-react";
import { type DragEvent, type ReactNode, useEffect, useId, useRef, useState } from "react";
import { useMay } from "../../connection/context.tsx";
import { FILE_BYTES_MAX, isConflict, type SessionFiles } from "../../connection/files.ts";
import { Button, Command } from "../../parts/button.tsx";
import { Refusal } from "../../parts/refusal.tsx";
import { StateMark } from "../../parts/state-mark.tsx";
import { quote } from "../../text/command.ts";
import { joinPath, toFileUrl } from "../../text/paths.ts";
import { renderBytes } from "../../text/size.ts";
import { useDecision, useSessionFiles } from "./use-files.ts";

type State = { kind: "waits" } | { kind: "sends"; sent: number } | { kind: "done" } | { kind: "exists" } | { kind: "failed"; why: string };

interface Sending {
  id: number;
  file: File;
  path: string;
  state: State;
  cancel: AbortController;
}

export function Uploads({ sessionKey, folder }: { sessionKey: string; folder: string }): ReactNode {
  const writing = useDecision(sessionKey, "write");
  const mayWrite = useMay("tools.call");
  if (writing === undefined || !mayWrite) return null;
  if (!writing.allowed) return <Refusal title="The session's policy does not let its files be changed." decision={writing} />;
  return <Sender sessionKey={sessionKey} folder={folder} />;
}

function Sender({ sessionKey, folder }: { sessionKey: string; folder: string }): ReactNode {
  const files = useSessionFiles(sessionKey);
  const { sendings, add, again, cancel } = useSendings(files);
  const [isOver, setOver] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  const id = useId();
  const drop = (event: DragEvent): void => {
    event.preventDefault();
    setOver(false);
    add(folder, [...event.dataTransfer.files]);
  };
  const url = `${window.location.origin}${toFileUrl(sessionKey, joinPath(folder, "NAME"))}`;
  return (
    <section
      className="stack upload"
      aria-label="Upload"
      data-over={isOver}
      onDrop={drop}
      onDragOver={(event) => event.preventDefault()}
      onDragEnter={() => setOver(true)}
      onDragLeave={({ currentTarget, relatedTarget }) => setOver(relatedTarget instanceof Node && currentTarget.contains(relatedTarget))}
    >
      <div className="row">
        <Button onClick={() => field.current?.click()}>
          <Upload aria-hidden="true" />
          Upload files
        </Button>
        <label htmlFor={id} className="dim small">
          or drop them here; {renderBytes(FILE_BYTES_MAX)} each at most
        </label>
        <input
          id={id}
          ref={field}
          type="file"
          multiple
          className="sr-only"
          tabIndex={-1}
          onChange={({ target }) => {
            add(folder, [...(target.files ?? [])]);
            target.value = "";
          }}
        />
      </div>
      {sendings.length > 0 && (
        <ul className="stack sendings" aria-live="polite">
          {sendings.map((sending) => (
            <SendingRow key={sending.id} sending={sending} replace={() => again(sending.id)} cancel={() => cancel(sending.id)} />
          ))}
        </ul>
      )}
      <div className="field">
        <p className="hint">The same from a terminal:</p>
        <Command text={`curl -T NAME -H "Authorization: Bearer $OPENCLAW_GATEWAY_TOKEN" -H 'If-None-Match: *' ${quote(url)}`} />
      </div>
    </section>
  );
}

function SendingRow({ sending, replace, cancel }: { sending: Sending; replace(): void; cancel(): void }): ReactNode {
  const { file, path, state } = sending;
  return (
    <li className="row">
      <span className="truncate grow" title={path}>
        {path} <span className="dim">{renderBytes(file.size)}</span>
      </span>
      {(state.kind === "sends" || state.kind === "waits") && (
        <>
          <progress max={Math.max(1, file.size)} value={state.kind === "sends" ? state.sent : 0} aria-label={`Upload of ${path}`} />
          <Button kind="ghost" size="small" onClick={cancel} aria-label={`Cancel the upload of ${path}`}>
            <X aria-hidden="true" />
          </Button>
        </>
      )}
      {state.kind === "done" && <StateMark tone="good">uploaded</StateMark>}
      {state.kind === "failed" && <StateMark tone="bad">{state.why}</StateMark>}
      {state.kind === "exists" && (
        <>
          <StateMark tone="wait">is there already</StateMark>
          <Button size="small" onClick={replace}>
            Replace it
          </Button>
        </>
      )}
    </li>
  );
}

interface Sendings {
  sendings: readonly Sending[];
  add(folder: string, files: readonly File[]): void;
  /** What is there already is replaced. */
  again(id: number): void;
  cancel(id: number): void;
}

/** One at a time: a sandbox takes them no faster. Those that are under way end with the page. */
function useSendings(files: SessionFiles): Sendings {
  const queries = useQueryClient();
  const [sendings, setSendings] = useState<readonly Sending[]>([]);
  const lastId = useRef(0);
  const all = useRef<readonly Sending[]>([]);
  const turn = useRef(Promise.resolve());
  all.current = sendings;
  useEffect(
    () => () => {
      for (const { cancel } of all.current) cancel.abort();
    },
    [],
  );
  const edit = (id: number, change: Partial<Sending>): void =>
    setSendings((before) => before.map((sending) => (sending.id === id ? { ...sending, ...change } : sending)));
  const send = async ({ id, file, path, cancel }: Sending, expected: "none" | "any"): Promise<void> => {
    const { signal } = cancel;
    if (signal.aborted) return;
    if (file.size > FILE_BYTES_MAX) return edit(id, { state: { kind: "failed", why: `larger than ${renderBytes(FILE_BYTES_MAX)}` } });
    try {
      edit(id, { state: { kind: "sends", sent: 0 } });
      const progress = (sent: number): void => edit(id, { state: { kind: "sends", sent } });
      await files.write(path, { body: file, expected, signal, progress });
      edit(id, { state: { kind: "done" } });
      await queries.invalidateQueries({ queryKey: ["files.list"] });
    } catch (error) {
      if (signal.aborted) return;
      const problem = error instanceof Error ? error : new Error(String(error));
      edit(id, { state: isConflict(problem) && expected === "none" ? { kind: "exists" } : { kind: "failed", why: problem.message } });
    }
  };
  const enqueue = (sending: Sending, expected: "none" | "any"): void => {
    turn.current = turn.current.then(() => send(sending, expected));
  };
  return {
    sendings,
    add: (folder, chosen) => {
      const added = chosen.map((file): Sending => {
        lastId.current += 1;
        const path = joinPath(folder, file.name);
        return { id: lastId.current, file, path, state: { kind: "waits" }, cancel: new AbortController() };
      });
      setSendings((before) => [...before.filter(({ state }) => state.kind !== "done"), ...added]);
      for (const sending of added) enqueue(sending, "none");
    },
    again: (id) => {
      const sending = sendings.find((one) => one.id === id);
      if (sending === undefined) return;
      edit(id, { state: { kind: "waits" } });
      enqueue(sending, "any");
    },
    cancel: (id) => {
      sendings.find((one) => one.id === id)?.cancel.abort();
      setSendings((before) => before.filter((one) => one.id !== id));
    },
  };
}
