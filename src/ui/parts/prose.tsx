// A sentence or a command in which an option (`--all`) stays in one piece at the end of a line: broken after its hyphens it is read, and typed, as two words.
import type { ReactNode } from "react";

const OPTION = /(--[a-z][\w-]*)/;

export function Prose({ text }: { text: string }): ReactNode {
  const parts = text.split(OPTION).map((part, at) =>
    part.startsWith("--") ? (
      // biome-ignore lint/suspicious/noArrayIndexKey: parts of one text have no other name
      <span key={at} className="nowrap">
        {part}
      </span>
    ) : (
      part
    ),
  );
  // As an element's children they are made harmless.
  return <>{parts}</>;
}
