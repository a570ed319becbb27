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
  /** Where the tone means something else than that something waits. Absent: the tone's own. */
  icon?: LucideIcon;
  children: ReactNode;
}

/** In tables and lines of text. */
export function StateMark({ tone, icon: Icon, children }: MarkProps): ReactNode {
  return (
    <span className="mark" data-tone={tone}>
      {Icon === undefined ? <ToneIcon tone={tone} /> : <Icon aria-hidden="true" />}
      {children}
    </span>
  );
}
