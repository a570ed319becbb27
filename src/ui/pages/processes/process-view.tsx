// One background process: its output as it comes, and the ways to end or forget it.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { OctagonX, Square, Trash2, X } from "lucide-react";
import { type ReactNode, useLayoutEffect, useRef } from "react";
import { useLink, useMay } from "../../connection/context.tsx";
import { Button, Command } from "../../parts/button.tsx";
import { Card } from "../../parts/card.tsx";
import { Confirm } from "../../parts/confirm.tsx";
import { ErrorNotice } from "../../parts/notice.tsx";
import { StateMark } from "../../parts/state-mark.tsx";
import { useReveal } from "../../parts/use-reveal.ts";
import { toPlainOutput } from "../../text/plain-output.ts";
import { type ProcessPlace, renderEnd, renderProcess, type SandboxProcess, toneOf, toProcessCommand } from "../../text/process.ts";
import { ProcessInput } from "./process-input.tsx";
import { useOutput } from "./use-output.ts";

interface ProcessViewProps {
  place: ProcessPlace;
  close(): void;
}

export function ProcessView({ place, close }: ProcessViewProps): ReactNode {
  const shown = useReveal<HTMLDivElement>();
  const { sessionKey, id } = place;
  const { text, isCut, process, error } = useOutput(sessionKey, id);
  const mayEnd = useMay("process.kill");
  const aside = (
    <div className="row aside-actions">
      {process !== null && <StateMark tone={toneOf(process)}>{renderEnd(process)}</StateMark>}
      <Button kind="ghost" size="small" onClick={close} aria-label="Close the process">
        <X aria-hidden="true" />
      </Button>
    </div>
  );
  return (
    <div className="stack" ref={shown}>
      <Card title={`Process ${id}`} aside={aside}>
        <div className="stack file-body">
          {process !== null && <code className="wrap-any process-line">{renderProcess(process)}</code>}
          {error !== null && <ErrorNotice error={error} what="Its output could not be read" />}
          {isCut && <p className="dim small">Earlier output is not shown here.</p>}
          {process !== null && <Output text={toPlainOutput(text)} />}
          {process?.outputLost === true && <p className="dim small">Some output is lost: the room for it in the sandbox was full.</p>}
          {process !== null && mayEnd && <Actions place={place} process={process} close={close} />}
        </div>
      </Card>
    </div>
  );
}

/** Stays at its end while a reader is there. */
function Output({ text }: { text: string }): ReactNode {
  const box = useRef<HTMLElement>(null);
  const isAtEnd = useRef(true);
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is the new text that moves the end
  useLayoutEffect(() => {
    if (isAtEnd.current) box.current?.scrollTo({ top: box.current.scrollHeight });
  }, [text]);
  const note = ({ currentTarget }: { currentTarget: HTMLElement }): void => {
    const { scrollTop, scrollHeight, clientHeight } = currentTarget;
    isAtEnd.current = scrollHeight - scrollTop - clientHeight < 24;
  };
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be reached
    <section ref={box} className="output output-lines process-output" aria-label="Output" onScroll={note} role="log" tabIndex={0}>
      {text === "" ? <span className="dim">It has printed nothing yet.</span> : text}
    </section>
  );
}

function Actions({ place, process: { state }, close }: ProcessViewProps & { process: SandboxProcess }): ReactNode {
  const link = useLink();
  const queries = useQueryClient();
  const params = { key: place.sessionKey, id: place.id };
  const toKill = toProcessCommand(place, { kind: "signal", name: "KILL" });
  const settled = (): void => void queries.invalidateQueries({ queryKey: ["process.list"] });
  const end = useMutation({
    mutationFn: (signal: "TERM" | "KILL") => link.call("process.kill", { ...params, signal }),
    onSettled: settled,
  });
  const clear = useMutation({ mutationFn: () => link.call("process.clear", params), onSettled: settled });
  // Not once another one was opened meanwhile.
  const forget = (): void => clear.mutate(undefined, { onSuccess: close });
  if (state === "exited")
    return (
      <div className="row">
        <Button disabled={clear.isPending} onClick={forget}>
          <Trash2 aria-hidden="true" />
          Forget it
        </Button>
        {clear.error !== null && <ErrorNotice error={clear.error} what="Not forgotten" />}
      </div>
    );
  return (
    <>
      <ProcessInput place={place} />
      <div className="row">
        <Button disabled={end.isPending} onClick={() => end.mutate("TERM")}>
          <Square aria-hidden="true" />
          Ask it to end
        </Button>
        <Confirm
          title="Kill the process?"
          act="Kill"
          command={toKill}
          onConfirm={() => end.mutate("KILL")}
          trigger={
            <Button kind="danger" disabled={end.isPending}>
              <OctagonX aria-hidden="true" />
              Kill
            </Button>
          }
        >
          It and all that it started end at once, and what they have not written is lost.
        </Confirm>
      </div>
      {end.error !== null && <ErrorNotice error={end.error} what="Not ended" />}
      <div className="field">
        <p className="hint">To ask it to end, from the command line:</p>
        <Command text={toProcessCommand(place, { kind: "signal", name: "TERM" })} />
      </div>
    </>
  );
}
