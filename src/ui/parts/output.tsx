// What a program printed, as text; what of it does not fit is scrolled, by the keyboard too.
import type { ReactNode } from "react";

interface OutputProps {
  text: string;
  label?: string;
  isError?: boolean;
}

export function Output({ text, label = "Output", isError = false }: OutputProps): ReactNode {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be reached
    <section className="output output-lines" aria-label={label} data-error={isError} tabIndex={0}>
      {text}
    </section>
  );
}
