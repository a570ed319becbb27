// One tool call in a conversation: what it does, where it runs, how it ended, and what it says while it runs.
import { Link } from "@tanstack/react-router";
import { ChevronRight, Wrench } from "lucide-react";
import { memo, type ReactNode, useId, useLayoutEffect, useRef, useState } from "react";
import { StateMark } from "../../parts/state-mark.tsx";
import { exitCodeOf, isOpenByItself, renderCall, type ToolBlock, type ToolState } from "../../text/chat.ts";
import { toPlainOutput } from "../../text/plain-output.ts";
import type { Tone } from "../../text/state.ts";

const TONES: Readonly<Record<ToolState, Tone>> = { running: "busy", done: "good", failed: "bad", skipped: "rest", interrupted: "wait" };
/** A card that stands closed shows so much of its command. */
const LINE_LENGTH_MAX = 240;

function renderState(block: ToolBlock): string {
  const code = exitCodeOf(block);
  if (block.state === "done" || block.state === "failed") return code === null ? block.state : `exit ${code}`;
  return block.state;
}

export const ToolCard = memo(({ block }: { block: ToolBlock }): ReactNode => {
  const { tool, input, state, output, sandbox } = block;
  // A person may say otherwise.
  const [chosen, setChosen] = useState<boolean | null>(null);
  const isOpen = chosen ?? isOpenByItself(block);
  const id = useId();
  const line = renderCall(tool, input);
  return (
    <section className="tool-card" data-state={state} aria-label={`Tool ${tool}`}>
      <button type="button" className="tool-head" aria-expanded={isOpen} aria-controls={id} onClick={() => setChosen(!isOpen)}>
        <ChevronRight aria-hidden="true" className="tool-turn" />
        <Wrench aria-hidden="true" />
        <strong className="mono">{tool}</strong>
        <code className="truncate grow">{line.split("\n")[0]?.slice(0, LINE_LENGTH_MAX)}</code>
        <StateMark tone={TONES[state]}>{renderState(block)}</StateMark>
      </button>
      {isOpen && (
        <div className="tool-body" id={id}>
          {(line.includes("\n") || line.length > 60) && <pre className="tool-input">{line}</pre>}
          <Output text={toPlainOutput(output)} isRunning={state === "running"} />
          {sandbox !== null && (
            <p className="dim tiny">
              In{" "}
              <Link className="text-link" to="/sandboxes/$name" params={{ name: sandbox }}>
                {sandbox}
              </Link>
            </p>
          )}
        </div>
      )}
    </section>
  );
});

/** Stays at its end while it grows. */
function Output({ text, isRunning }: { text: string; isRunning: boolean }): ReactNode {
  const box = useRef<HTMLElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is the new text that moves the end
  useLayoutEffect(() => {
    if (isRunning) box.current?.scrollTo({ top: box.current.scrollHeight });
  }, [text, isRunning]);
  if (text === "") return isRunning ? <p className="dim small">It has printed nothing yet.</p> : null;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be reached
    <section ref={box} className="output output-lines tool-output" aria-label="Output" tabIndex={0}>
      {text}
    </section>
  );
}
