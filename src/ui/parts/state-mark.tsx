// How a state looks: each tone has its own shape beside its colour, and the word is always there.
import { CircleCheck, CircleDashed, Hourglass, LoaderCircle, type LucideIcon, OctagonAlert } from "lucide-react";
import type { ReactNode } from "react";
import type { Tone } from "../text/state.ts";

const ICONS: Readonly<Record<Tone, LucideIcon>> = {
  good: CircleCheck,
  busy: LoaderCircle,
  wait: Hourglass,
  bad: OctagonAlert,
  rest: CircleDashed,
};

export function ToneIcon({ tone }: { tone: Tone }): ReactNode {
  const Icon = ICONS[tone];
  return <Icon aria-hidden="true" className={tone === "busy" ? "spin" : undefined} />;
}

interface MarkProps {
  tone: Tone;
  children: ReactNode;
}

/** In tables and lines of text. */
export function StateMark({ tone, children }: MarkProps): ReactNode {
  return (
    <span className="mark" data-tone={tone}>
      <ToneIcon tone={tone} />
      {children}
    </span>
  );
}
