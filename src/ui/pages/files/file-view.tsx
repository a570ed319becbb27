// One file: its text, its image, or what it is instead; to be edited where the policy lets it be written, and downloaded as it is.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Download, LoaderCircle, X } from "lucide-react";
import { type ReactNode, useState } from "react";
import { FILE_BYTES_MAX, type ReadFile, TooLarge } from "../../connection/files.ts";
import { Button, Command } from "../../parts/button.tsx";
import { Card, Empty } from "../../parts/card.tsx";
import { ErrorNotice, Loading, Notice } from "../../parts/notice.tsx";
import { useReveal } from "../../parts/use-reveal.ts";
import { quote } from "../../text/command.ts";
import { toContent } from "../../text/file-content.ts";
import { nameOf, toFileUrl } from "../../text/paths.ts";
import { renderBytes } from "../../text/size.ts";
import { EntryActions } from "./entry-actions.tsx";
import { FileEditor } from "./file-editor.tsx";
import { FileText } from "./lazy-file-text.tsx";
import { type FileViewProps, useSessionFiles } from "./use-files.ts";

/** A field with more is slow; images are a browser's own business up to here too. */
const SHOWN_BYTES_MAX = 2_097_152;

export function FileView(props: FileViewProps): ReactNode {
  const place = useReveal<HTMLDivElement>();
  const { sessionKey, path, open } = props;
  const files = useSessionFiles(sessionKey);
  const { data, error } = useQuery({
    queryKey: ["file", sessionKey, path],
    queryFn: ({ signal }) => files.read(path, { bytesMax: SHOWN_BYTES_MAX, signal }),
    // Whoever edits it must not have it changed under the hands; opened anew it is read anew.
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    retry: false,
  });
  const aside = (
    <div className="row aside-actions">
      {data !== undefined && <span className="dim small">{renderBytes(data.bytes.length)}</span>}
      <Button kind="ghost" size="small" onClick={() => open(undefined)} aria-label={`Close ${nameOf(path)}`}>
        <X aria-hidden="true" />
      </Button>
    </div>
  );
  const version = data?.version ?? (error instanceof TooLarge ? error.version : null);
  const url = `${window.location.origin}${toFileUrl(sessionKey, path)}`;
  return (
    <div className="stack" ref={place}>
      <Card title={nameOf(path)} aside={aside}>
        <div className="stack file-body">
          {version !== null && (
            <div className="row">
              <DownloadButton sessionKey={sessionKey} path={path} />
              <EntryActions
                {...{ sessionKey, path, version }}
                kind="file"
                inside={[]}
                insideTotal={0}
                moved={(to) => open(to)}
                removed={() => open(undefined)}
              />
            </div>
          )}
          {error instanceof TooLarge && (
            <Notice tone="rest" title={`It has ${renderBytes(error.bytes)}, too much to be shown here.`}>
              Download it, or read a part of it with the tool <code className="chip">read</code>.
            </Notice>
          )}
          {error !== null && !(error instanceof TooLarge) && <ErrorNotice error={error} what="The file could not be read" />}
          {data === undefined && error === null && <Loading />}
          {data !== undefined && <Content {...props} file={data} />}
        </div>
      </Card>
      <div className="field">
        <p className="hint">The same from a terminal:</p>
        <Command text={`curl -fo ${quote(nameOf(path))} -H "Authorization: Bearer $OPENCLAW_GATEWAY_TOKEN" ${quote(url)}`} />
      </div>
    </div>
  );
}

function Content({ file, ...props }: FileViewProps & { file: ReadFile }): ReactNode {
  const queries = useQueryClient();
  // What else is done to the file is bound to what was saved.
  const saved = (now: ReadFile): void => void queries.setQueryData(["file", props.sessionKey, props.path], now);
  const [content] = useState(() => toContent(file.bytes));
  switch (content.kind) {
    case "image":
      return <Picture bytes={file.bytes} type={content.type} name={nameOf(props.path)} />;
    case "text":
      return <FileEditor {...props} opened={{ ...content, version: file.version }} saved={saved} />;
    case "read-only":
      return (
        <>
          <Notice tone="rest" title="It can only be looked at here.">
            {content.because}.
          </Notice>
          <FileText label={`Text of ${nameOf(props.path)}`} name={nameOf(props.path)} text={content.text} isReadOnly={true} />
        </>
      );
    case "binary":
      return <Empty>It is no text and no image that a page shows. Download it to look at it.</Empty>;
  }
}

/** Under an address of this page's own: the policy lets no other image in. */
function Picture({ bytes, type, name }: { bytes: Uint8Array<ArrayBuffer>; type: string; name: string }): ReactNode {
  const [url] = useState(() => URL.createObjectURL(new Blob([bytes], { type })));
  const [isBroken, setBroken] = useState(false);
  if (isBroken) return <Empty>It says that it is an image, and is none that this browser understands.</Empty>;
  return <img className="shown-image" src={url} alt={name} onLoad={() => URL.revokeObjectURL(url)} onError={() => setBroken(true)} />;
}

function DownloadButton({ sessionKey, path }: { sessionKey: string; path: string }): ReactNode {
  const files = useSessionFiles(sessionKey);
  const [state, setState] = useState<{ kind: "rests" } | { kind: "runs" } | { kind: "failed"; why: string }>({ kind: "rests" });
  const download = async (): Promise<void> => {
    setState({ kind: "runs" });
    try {
      const { bytes } = await files.read(path, { bytesMax: FILE_BYTES_MAX, signal: AbortSignal.timeout(DOWNLOAD_MS_MAX) });
      save(bytes, nameOf(path));
      setState({ kind: "rests" });
    } catch (error) {
      setState({ kind: "failed", why: error instanceof Error ? error.message : String(error) });
    }
  };
  return (
    <>
      {state.kind === "failed" && (
        <span className="problem" role="alert">
          not downloaded: {state.why}
        </span>
      )}
      <Button size="small" disabled={state.kind === "runs"} onClick={() => void download()}>
        {state.kind === "runs" ? <LoaderCircle className="spin" aria-hidden="true" /> : <Download aria-hidden="true" />}
        Download
      </Button>
    </>
  );
}

const DOWNLOAD_MS_MAX = 600_000;
/** Long enough for the browser to begin. */
const SAVED_MS = 60_000;

/** A link cannot show the token: the bytes are fetched first, and saved from here. */
function save(bytes: Uint8Array<ArrayBuffer>, name: string): void {
  const url = URL.createObjectURL(new Blob([bytes], { type: "application/octet-stream" }));
  const link = Object.assign(document.createElement("a"), { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), SAVED_MS);
}
