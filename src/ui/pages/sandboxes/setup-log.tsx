// What the setup command of a sandbox's newest container printed, and how it ended; nothing where there was none.
import type { ReactNode } from "react";
import { useGateway } from "../../connection/context.tsx";
import { Card } from "../../parts/card.tsx";
import { ErrorNotice } from "../../parts/notice.tsx";
import { Output } from "../../parts/output.tsx";
import { StateMark } from "../../parts/state-mark.tsx";
import { toPlainOutput } from "../../text/plain-output.ts";
import type { Tone } from "../../text/state.ts";

const LINES = 1_000;
/** While it runs, and to notice the next one. */
const POLL_MS = 5_000;

const SHOWN = {
  // Only the output is left of it.
  none: ["rest", "before the controller started"],
  running: ["busy", "running"],
  succeeded: ["good", "succeeded"],
  failed: ["bad", "failed"],
} as const satisfies Record<string, readonly [Tone, string]>;

export function SetupLog({ name }: { name: string }): ReactNode {
  const { data, error } = useGateway("sandbox.logs", { name, tail: LINES }, { everyMs: POLL_MS });
  if (error !== null) return <ErrorNotice error={error} what="The output of the setup could not be read" />;
  if (data === undefined || (data.state === "none" && data.text === "")) return null;
  const [tone, word] = SHOWN[data.state];
  return (
    <Card title="Setup" aside={<StateMark tone={tone}>{word}</StateMark>}>
      {data.truncated && <p className="dim small">Earlier output is not kept.</p>}
      <Output label="Output of the setup" text={data.text === "" ? "It printed nothing." : toPlainOutput(data.text)} />
    </Card>
  );
}
