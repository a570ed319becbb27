// The one sentence that says how everything is, and beside it whether each part of the product works.
import type { ReactNode } from "react";
import type { Sandbox } from "../../../api/sandbox.ts";
import { ToneIcon } from "../../parts/state-mark.tsx";
import { countStates, STATES, type StateName, type Tone } from "../../text/state.ts";

export function Headline({ sandboxes }: { sandboxes: readonly Sandbox[] }): ReactNode {
  const { tone, text } = summarize(sandboxes);
  return (
    <div className="headline" data-tone={tone}>
      <ToneIcon tone={tone} />
      <p>{text}</p>
    </div>
  );
}

/** The worst of what there is decides. */
function summarize(sandboxes: readonly Sandbox[]): { tone: Tone; text: string } {
  const counts = countStates(sandboxes);
  const of = (...names: StateName[]): number => names.reduce((sum, name) => sum + (counts.get(name) ?? 0), 0);
  const [bad, person, unknown] = [of("failing", "stuck"), of("held"), of("unknown")];
  const [moving, waiting] = [of("starting", "updating"), of("waiting")];
  if (sandboxes.length === 0) return { tone: "rest", text: "No sandbox exists: nothing needs one yet." };
  if (unknown > 0) return { tone: "wait", text: `The engine does not answer: the state of ${sandboxesOf(unknown)} is not known.` };
  if (bad > 0) return { tone: "bad", text: `${sandboxesOf(bad)} of ${sandboxes.length} can't be made as the config says.` };
  if (person > 0) return { tone: "wait", text: `${sandboxesOf(person)} would be removed, which takes a person’s approval.` };
  if (moving > 0) return { tone: "busy", text: `${sandboxesOf(moving)} ${moving === 1 ? "is" : "are"} being made.` };
  if (waiting > 0) return { tone: "wait", text: `Everything serves; ${sandboxesOf(waiting)} will be updated when idle.` };
  return { tone: STATES.ready.tone, text: "Every sandbox is as the config says." };
}

const sandboxesOf = (count: number): string => `${count} ${count === 1 ? "sandbox" : "sandboxes"}`;
