// Runs one tool by a form made from its schema, and shows what it says while it runs and what it answers. A call ends with its form: nobody would see what
// comes of it.
import { useMutation } from "@tanstack/react-query";
import { CircleStop, LoaderCircle, Play } from "lucide-react";
import { type FormEvent, type ReactNode, useEffect, useId, useRef, useState } from "react";
import type { AnswerOf } from "../../connection/methods.ts";
import { callTool } from "../../connection/tool-call.ts";
import { Button, Command } from "../../parts/button.tsx";
import { Card } from "../../parts/card.tsx";
import { ErrorNotice, Loading, Notice } from "../../parts/notice.tsx";
import { Output } from "../../parts/output.tsx";
import { useReveal } from "../../parts/use-reveal.ts";
import { useHttpToken } from "../../shell/use-http-token.ts";
import { fromBase64 } from "../../text/bytes.ts";
import { toCurl } from "../../text/command.ts";
import { toPlainOutput } from "../../text/plain-output.ts";
import { type FieldValues, type ToolField, toFields, toInput } from "../../text/tool-form.ts";

export type Tool = AnswerOf<"tools.list">["items"][number];

/** Of output that is shown; the newest stays. */
const OUTPUT_LENGTH_MAX = 200_000;

export function RunTool({ sessionKey, tool }: { sessionKey: string; tool: Tool }): ReactNode {
  const fields = toFields(tool.inputSchema);
  const [values, setValues] = useState<FieldValues>({});
  const [problem, setProblem] = useState<{ field: string; message: string } | null>(null);
  const form = useReveal<HTMLFormElement>();
  const { run, output, progress, stop } = useCall(sessionKey, tool.name);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const made = toInput(fields, values);
    setProblem(made.ok ? null : made);
    if (made.ok) run.mutate(made.input);
  };
  const made = toInput(fields, values);
  // A tool that needs nothing shows all that it takes.
  const needed = fields.some(({ required }) => required) ? fields.filter(({ required }) => required) : fields;
  const others = fields.filter((field) => !needed.includes(field));
  const toInputOf = (field: ToolField): ReactNode => (
    <ToolFieldInput
      key={field.name}
      field={field}
      value={values[field.name]}
      problem={problem?.field === field.name ? problem.message : null}
      change={(value) => setValues((before) => ({ ...before, [field.name]: value }))}
    />
  );
  return (
    <Card title={`Run ${tool.name}`}>
      <form ref={form} className="stack tool-form" onSubmit={submit}>
        {needed.map(toInputOf)}
        {others.length > 0 && (
          <details className="more" open={others.some(({ name }) => name === problem?.field) || undefined}>
            <summary>
              {others.length} more {others.length === 1 ? "field" : "fields"}:{" "}
              <span className="dim">{others.map(({ name }) => name).join(", ")}</span>
            </summary>
            <div className="stack tool-form">{others.map(toInputOf)}</div>
          </details>
        )}
        <RunButtons isRunning={run.isPending} stop={stop} />
      </form>
      <div className="stack tool-answer" aria-live="polite">
        {run.isPending && progress !== null && <Loading what={progress} />}
        {output !== "" && run.data === undefined && <Output text={toPlainOutput(output)} />}
        {run.error !== null && <Failure error={run.error} tool={tool.name} />}
        {run.data !== undefined && <ToolAnswer answer={run.data} />}
        {made.ok && (
          <div className="field">
            <p className="hint">The same from a terminal:</p>
            <Command text={toCurl({ origin: window.location.origin, sessionKey, tool: tool.name, input: made.input })} />
          </div>
        )}
      </div>
    </Card>
  );
}

/** One call at a time. */
function useCall(sessionKey: string, tool: string) {
  const token = useHttpToken();
  const [output, setOutput] = useState("");
  const [progress, setProgress] = useState<string | null>(null);
  const underWay = useRef<AbortController>(null);
  const stop = (): void => underWay.current?.abort();
  useEffect(() => {
    const leave = (): void => underWay.current?.abort();
    return leave;
  }, []);
  const run = useMutation({
    mutationFn: (input: Record<string, unknown>) => {
      const call = new AbortController();
      underWay.current = call;
      setOutput("");
      setProgress(null);
      const show = (text: string): void => {
        setProgress(null);
        setOutput((before) => (before + text).slice(-OUTPUT_LENGTH_MAX));
      };
      return callTool({ sessionKey, tool, input, token, signal: call.signal, output: show, progress: setProgress });
    },
  });
  return { run, output, progress, stop };
}

function RunButtons({ isRunning, stop }: { isRunning: boolean; stop(): void }): ReactNode {
  const runs = useRef<HTMLButtonElement>(null);
  const isStopped = useRef(false);
  useEffect(() => {
    // The button that had the focus is gone.
    if (!isRunning && isStopped.current) runs.current?.focus();
    isStopped.current = false;
  }, [isRunning]);
  const press = (): void => {
    isStopped.current = true;
    stop();
  };
  return (
    <div className="row">
      <Button ref={runs} kind="primary" type="submit" disabled={isRunning}>
        {isRunning ? <LoaderCircle className="spin" aria-hidden="true" /> : <Play aria-hidden="true" />}
        {isRunning ? "Running" : "Run"}
      </Button>
      {isRunning && (
        <Button onClick={press}>
          <CircleStop aria-hidden="true" />
          Stop
        </Button>
      )}
    </div>
  );
}

function Failure({ error, tool }: { error: Error; tool: string }): ReactNode {
  if (error.name !== "AbortError") return <ErrorNotice error={error} what={`${tool} failed`} />;
  return (
    <Notice tone="rest" title={`Stopped: ${tool} was taken back, and what it ran is killed.`}>
      What it had done until then stays.
    </Notice>
  );
}

interface ToolFieldInputProps {
  field: ToolField;
  value: string | boolean | undefined;
  problem: string | null;
  change(value: string | boolean): void;
}

function ToolFieldInput({ field, value, problem, change }: ToolFieldInputProps): ReactNode {
  const id = useId();
  const { name, kind, description, required, options } = field;
  const shared = { id, "aria-invalid": problem !== null, "aria-describedby": `${id}-hint` };
  const text = typeof value === "string" ? value : "";
  return (
    <div className="field">
      <label htmlFor={id} className={kind === "flag" ? "row" : undefined}>
        {kind === "flag" && (
          <input {...shared} type="checkbox" checked={value === true} onChange={({ target }) => change(target.checked)} />
        )}
        <span className="mono">{name}</span>
        {required ? "" : <span className="dim"> optional</span>}
      </label>
      {kind === "choice" && (
        <select {...shared} className="input" value={text} onChange={({ target }) => change(target.value)}>
          <option value="">not set</option>
          {options.map((option) => (
            <option key={option}>{option}</option>
          ))}
        </select>
      )}
      {(kind === "number" || (kind === "text" && !required)) && (
        <input
          {...shared}
          className="input mono"
          inputMode={kind === "number" ? "decimal" : "text"}
          spellCheck={false}
          value={text}
          onChange={({ target }) => change(target.value)}
        />
      )}
      {(kind === "json" || (kind === "text" && required)) && (
        <textarea
          {...shared}
          className="input mono"
          rows={kind === "json" ? 2 : 3}
          spellCheck={false}
          placeholder={kind === "json" ? "JSON" : undefined}
          value={text}
          onChange={({ target }) => change(target.value)}
        />
      )}
      <p id={`${id}-hint`} className={problem === null ? "hint" : "problem"}>
        {problem ?? description}
      </p>
    </div>
  );
}

function ToolAnswer({ answer: { content, details, isError } }: { answer: AnswerOf<"tools.call"> }): ReactNode {
  const known = Object.entries(details).filter(([, value]) => typeof value !== "object");
  return (
    <>
      {content.map((part, at) => {
        const key = `${at} ${String(part.type)}`;
        if (part.type === "image" && typeof part.data === "string" && typeof part.mimeType === "string")
          return <ImagePart key={key} data={part.data} mimeType={part.mimeType} />;
        return (
          <Output
            key={key}
            text={typeof part.text === "string" ? toPlainOutput(part.text) : JSON.stringify(part, null, 2)}
            isError={isError}
          />
        );
      })}
      {known.length > 0 && <p className="dim small wrap-any">{known.map(([name, value]) => `${name}: ${String(value)}`).join(", ")}</p>}
    </>
  );
}

/** From its bytes, under an address of this page's own: the policy lets no other image in. */
function ImagePart({ data, mimeType }: { data: string; mimeType: string }): ReactNode {
  const [url] = useState(() => URL.createObjectURL(new Blob([fromBase64(data)], { type: mimeType })));
  return <img className="shown-image" src={url} alt="What the tool answered" onLoad={() => URL.revokeObjectURL(url)} />;
}
