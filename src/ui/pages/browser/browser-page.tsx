// A session's browser: whether it runs, what it shows now, and its end. Looking at it is no use of it; it is watched when a person says so.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { Eye } from "lucide-react";
import { lazy, type ReactNode, Suspense, useState } from "react";
import { useGateway, useLink, useMay } from "../../connection/context.tsx";
import type { AnswerOf } from "../../connection/methods.ts";
import { Button, Command } from "../../parts/button.tsx";
import { Card } from "../../parts/card.tsx";
import { Confirm } from "../../parts/confirm.tsx";
import { ErrorNotice, Loading, Notice, Waiting } from "../../parts/notice.tsx";
import { Refusal } from "../../parts/refusal.tsx";
import { toCommand, toCurl } from "../../text/command.ts";
import { usePolicy } from "../files/use-files.ts";
import { Thumbnail } from "./thumbnail.tsx";
import "../../styles/work.css";

/** noVNC comes with the first view. */
const LiveView = lazy(async () => ({ default: (await import("./live-view.tsx")).LiveView }));

const LOOK_MS = 5_000;

export function BrowserPage(): ReactNode {
  const { key } = useParams({ from: "/sessions/$key/browser" });
  const { decision, error } = usePolicy(key, "browser");
  if (decision === undefined) return <Waiting errors={[error]} what="The session could not be read" />;
  if (!decision.allowed) return <Refusal title="The session has no browser." decision={decision} />;
  return <SessionBrowser sessionKey={key} />;
}

export function SessionBrowser({ sessionKey }: { sessionKey: string }): ReactNode {
  const { data, error } = useGateway("browser.get", { key: sessionKey }, { everyMs: LOOK_MS });
  if (error !== null) return <ErrorNotice error={error} what="The browser could not be looked at" />;
  if (data === undefined) return <Loading />;
  if (!data.running) return <Notice tone="rest" title="No browser runs: it starts with the first use of the tool browser." />;
  return <Running sessionKey={sessionKey} browser={data} />;
}

function Running({ sessionKey, browser }: { sessionKey: string; browser: AnswerOf<"browser.get"> }): ReactNode {
  const [round, setRound] = useState<number | null>(null);
  const [ended, setEnded] = useState<{ why: string; error: Error | null } | null>(null);
  const end = (why: string, error: Error | null): void => {
    setRound(null);
    setEnded({ why, error });
  };
  if (round !== null)
    return (
      <Suspense fallback={<Loading />}>
        <LiveView key={round} sessionKey={sessionKey} end={end} />
      </Suspense>
    );
  return (
    <div className="stack">
      {ended?.error != null && <ErrorNotice error={ended.error} what="The view could not be opened" />}
      {ended !== null && ended.error === null && <Notice tone="rest" title={`The view ended: ${ended.why}`} />}
      <Card title="Browser">
        <div className="stack file-body">
          <Thumbnail sessionKey={sessionKey} />
          <p className="soft">
            {browser.watchable ? "Watching is no use of the browser" : "It has no screen to watch"}; it runs as{" "}
            <Link className="text-link" to="/sandboxes/$name" params={{ name: browser.name ?? "" }}>
              {browser.name}
            </Link>
            .
          </p>
          <div className="row">
            <Button kind="primary" disabled={!browser.watchable} onClick={() => setRound((round ?? 0) + Date.now())}>
              <Eye aria-hidden="true" />
              Watch
            </Button>
            <Stop sessionKey={sessionKey} />
          </div>
          <div className="field">
            <p className="hint">From the command line:</p>
            <Command text={toCommand("sandbox", "list", "--browser")} />
          </div>
        </div>
      </Card>
    </div>
  );
}

function Stop({ sessionKey }: { sessionKey: string }): ReactNode {
  const link = useLink();
  const queries = useQueryClient();
  const may = useMay("browser.stop");
  const stop = useMutation({
    mutationFn: () => link.call("browser.stop", { key: sessionKey }),
    onSettled: () => queries.invalidateQueries({ queryKey: ["browser.get"] }),
  });
  return (
    <>
      <Confirm
        title="Stop the browser?"
        act="Stop it"
        command={toCurl({ origin: window.location.origin, sessionKey, tool: "browser", input: { action: "stop" } })}
        onConfirm={() => stop.mutate()}
        trigger={
          <Button kind="danger" disabled={!may || stop.isPending}>
            {stop.isPending ? "Stopping" : "Stop"}
          </Button>
        }
      >
        <p>
          Its tabs are lost, with what is filled in there, what they are signed in to, and files that were not saved to the workspace. The
          next use of the tool <code className="chip">browser</code> starts an empty one.
        </p>
      </Confirm>
      {stop.error !== null && <ErrorNotice error={stop.error} what="Not stopped" />}
    </>
  );
}
