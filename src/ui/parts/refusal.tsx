// Says why a session has none of something: its policy, by which rule, where that stands and what would allow it; or that it has no sandbox.
import type { ReactNode } from "react";
import { toCommand } from "../text/command.ts";
import { Command } from "./button.tsx";
import { Notice } from "./notice.tsx";

interface RefusalProps {
  /** What is not there because of it, as a sentence. */
  title: string;
  decision: { rule: string; source: string; fix: string | null };
}

export function Refusal({ title, decision: { rule, source, fix } }: RefusalProps): ReactNode {
  return (
    <Notice tone="rest" title={title}>
      <p>
        Refused by: {rule} <code className="chip">{source}</code>
      </p>
      {fix !== null && <p>To allow it: {fix}</p>}
    </Notice>
  );
}

interface OnHostProps {
  sessionKey: string;
  /** Of the host, as the end of a sentence. */
  what: string;
}

export function OnHost({ sessionKey, what }: OnHostProps): ReactNode {
  return (
    <Notice tone="rest" title={`The session has no sandbox: its tools run on the gateway's host, which ${what}.`}>
      <div className="stack commands">
        <p>Why it has none, and which line of the config says so:</p>
        <Command text={toCommand("sandbox", "explain", "--session", sessionKey)} />
      </div>
    </Notice>
  );
}
