// Edits the config's text without saving it: what is wrong with it as somebody types, what it would do to each sandbox, and the one command that makes
// the edit on the host. Once it was made, the page shows how the sandboxes follow.
import { useMutation } from "@tanstack/react-query";
import { lazy, type ReactNode, Suspense, useState } from "react";
import type { Issue } from "../../../api/issue.ts";
import { useGateway, useLink } from "../../connection/context.tsx";
import type { AnswerOf } from "../../connection/methods.ts";
import { Button, Command } from "../../parts/button.tsx";
import { Card } from "../../parts/card.tsx";
import { ErrorNotice, Loading, Notice } from "../../parts/notice.tsx";
import { toCommand } from "../../text/command.ts";
import { HandOver } from "./hand-over.tsx";
import { Convergence, PlanOfEdit } from "./plan-of-edit.tsx";
import type { JsonSchema } from "./schema-walk.ts";
import "../../styles/config.css";

const CodeEditor = lazy(async () => ({ default: (await import("./code-editor.tsx")).CodeEditor }));

/** How soon a saved file is seen here. */
const POLL_MS = 2_000;

type ConfigText = AnswerOf<"config.text">;
/** What the editor begins with. */
type Base = ConfigText & { text: string };

const isEditable = (view: ConfigText): view is Base => view.text !== null;

export function EditPage(): ReactNode {
  const schema = useGateway("config.schema", {});
  const current = useGateway("config.text", {}, { everyMs: POLL_MS });
  // Until something is edited, the file as it is.
  const [{ base, round }, setBegun] = useState<{ base: Base | null; round: number }>({ base: null, round: 0 });
  const error = schema.error ?? current.error;
  if (error !== null && base === null) return <ErrorNotice error={error} what="The config could not be read" />;
  if (current.data === undefined || schema.data === undefined) return <Loading />;
  const began = base ?? (isEditable(current.data) ? current.data : null);
  if (began === null) return <NotInForce view={current.data} />;
  const keep = (): void => setBegun({ base: began, round });
  const restart = (): void => setBegun({ base: null, round: round + 1 });
  return (
    <Editing key={`${round} ${began.revision}`} base={began} current={current.data} schema={schema.data} keep={keep} restart={restart} />
  );
}

/** Where the file is broken nothing can be planned: it is mended where it lies. */
function NotInForce({ view: { file, problem } }: { view: ConfigText }): ReactNode {
  return (
    <Card title={file}>
      <div className="stack">
        <Notice tone="bad" title="The file is not in force as it is.">
          {problem}
        </Notice>
        <Command text={toCommand("config", "validate")} />
      </div>
    </Card>
  );
}

interface EditingProps {
  base: Base;
  current: ConfigText;
  schema: JsonSchema;
  /** Goes on with the text as it was, whatever the file becomes meanwhile. */
  keep(): void;
  restart(): void;
}

function Editing({ base, current, schema, keep, restart }: EditingProps): ReactNode {
  const link = useLink();
  const [text, setText] = useState(base.text);
  const [issues, setIssues] = useState<readonly Issue[]>([]);
  const { revision } = base;
  const plan = useMutation({ mutationFn: (edited: string) => link.call("config.edit", { revision, text: edited, plan: true }) });
  const check = async (edited: string): Promise<readonly Issue[]> => {
    // Of the file as it was when the edit began nothing is told any more.
    if (current.revision !== revision) return [];
    const found = await link.call("config.edit", { revision, text: edited }).then(
      (answer) => answer.issues as readonly Issue[],
      () => null,
    );
    if (found !== null) setIssues(found);
    return found ?? [];
  };
  const changed = (edited: string): void => {
    setText(edited);
    plan.reset();
    keep();
  };
  const isEdited = text !== base.text;
  const isApplied = isEdited && current.text === text;
  const canPlan = isEdited && !isApplied && !plan.isPending;
  const planned = plan.data;
  return (
    <>
      {isApplied && <Convergence planned={planned?.plan ?? []} since={current.loadedAt} />}
      {!isApplied && current.revision !== revision && <Changed view={current} restart={restart} />}
      <Card title={base.file} aside={base.included.length === 0 ? undefined : `with ${base.included.join(", ")}`} flush>
        <Suspense fallback={<p className="dim card-body">Loading the editor</p>}>
          <CodeEditor text={base.text} schema={schema} check={check} changed={changed} submit={() => canPlan && plan.mutate(text)} />
        </Suspense>
        <div className="card-body stack">
          <Issues issues={issues} />
          <p className="dim small">
            Secrets are shown as <code>"(set)"</code> and comments as placeholders; lines with a secret stay as they are. Nothing is saved
            from here.
          </p>
          <div className="row">
            <Button kind="primary" disabled={!canPlan} onClick={() => plan.mutate(text)}>
              {plan.isPending ? "Planning" : "What would it do?"}
            </Button>
            <Button disabled={!isEdited} onClick={restart}>
              {isApplied ? "Edit further" : "Discard the edit"}
            </Button>
            <span className="dim small keys-hint">Ctrl-Enter plans it, Ctrl-Space completes, Ctrl-F finds.</span>
          </div>
        </div>
      </Card>
      {plan.error !== null && <ErrorNotice error={plan.error} what="The edit could not be planned" />}
      {planned !== undefined && !isApplied && (
        <>
          <PlanOfEdit view={planned} />
          {planned.issues.every(({ severity }) => severity !== "error") && <HandOver file={base.file} before={base.text} after={text} />}
        </>
      )}
    </>
  );
}

function Changed({ view, restart }: { view: ConfigText; restart(): void }): ReactNode {
  return (
    <Notice tone="wait" title="The file has changed on the host since this edit began.">
      {view.text === null && <p>{view.problem}</p>}
      <p>
        <Button size="small" onClick={restart}>
          Begin anew with the file as it is
        </Button>
      </p>
    </Notice>
  );
}

function Issues({ issues }: { issues: readonly Issue[] }): ReactNode {
  return (
    <ul className="issues" aria-live="polite" aria-label="What is wrong with the text">
      {issues.map(({ severity, line, column, path, message, fix }) => (
        <li key={`${line} ${column} ${message}`} data-tone={severity === "error" ? "bad" : "wait"}>
          {line !== undefined && <code className="chip">{`${line}:${column ?? 1}`}</code>}
          <span className="wrap-any">
            {path !== "" && <strong>{path}: </strong>}
            {message}
            {fix !== undefined && <span className="dim"> ({fix})</span>}
          </span>
        </li>
      ))}
    </ul>
  );
}
