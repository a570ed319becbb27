// What the doctor finds on the controller's machine, the worst first, each with what to do; and what nothing owns, with the command that removes it.
import { TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import type { Finding } from "../../../api/finding.ts";
import { useGateway } from "../../connection/context.tsx";
import { Command } from "../../parts/button.tsx";
import { Card } from "../../parts/card.tsx";
import { ErrorNotice, Notice } from "../../parts/notice.tsx";
import { Prose } from "../../parts/prose.tsx";
import { StateMark } from "../../parts/state-mark.tsx";
import { useNow } from "../../parts/use-now.ts";
import { toCommand } from "../../text/command.ts";
import type { Tone } from "../../text/state.ts";
import { renderAgo } from "../../text/time.ts";
import { Unowned } from "./unowned.tsx";

/** The controller looks once a minute at most. */
const POLL_MS = 60_000;

const LEVELS = [
  { level: "fail", title: "Failed", word: "failed", tone: "bad" },
  { level: "warn", title: "Warnings", word: "warning", tone: "wait" },
  { level: "ok", title: "Passed", word: "passed", tone: "good" },
] as const satisfies readonly { level: Finding["level"]; title: string; word: string; tone: Tone }[];

export function Doctor(): ReactNode {
  const now = useNow();
  const { data, error } = useGateway("doctor.report", {}, { everyMs: POLL_MS });
  if (error !== null) return <ErrorNotice error={error} what="The machine could not be examined" />;
  if (data === undefined) return <p className="dim">Examining the machine: this starts a container for a moment.</p>;
  const { at, findings, unowned } = data;
  return (
    <div className="split">
      <div className="stack">
        <Verdict findings={findings} />
        {LEVELS.map(({ level, title, word, tone }) => {
          const found = findings.filter((finding) => finding.level === level);
          return (
            found.length > 0 && (
              <Card key={level} title={`${title} (${found.length})`} flush>
                <ul className="rows">
                  {found.map(({ check, message, fix }) => (
                    <li key={`${check} ${message}`}>
                      <div className="row">
                        <strong>{check}</strong>
                        <StateMark tone={tone} {...(level === "warn" && { icon: TriangleAlert })}>
                          {word}
                        </StateMark>
                      </div>
                      <p className="soft wrap-any">{message}</p>
                      {fix !== null && (
                        <p className="fix wrap-any">
                          To fix it: <Prose text={fix} />
                        </p>
                      )}
                    </li>
                  ))}
                </ul>
              </Card>
            )
          );
        })}
      </div>
      <div className="stack">
        <Unowned objects={unowned} at={at} />
        <Card title="From the command line">
          <div className="stack commands">
            <p className="soft small">
              Examined <time dateTime={new Date(at).toISOString()}>{renderAgo(at, now)}</time>, once a minute at most. The same now, and
              what else is on the engine:
            </p>
            <Command text={toCommand("doctor")} />
            <Command text={toCommand("sandbox", "audit")} />
          </div>
        </Card>
      </div>
    </div>
  );
}

function Verdict({ findings }: { findings: readonly Finding[] }): ReactNode {
  const [failed, warned] = (["fail", "warn"] as const).map((level) => findings.filter((finding) => finding.level === level).length);
  if (failed !== undefined && failed > 0)
    return (
      <Notice tone="bad" title={`${failed} ${failed === 1 ? "check" : "checks"} failed: sandboxes can't be made, or don't confine.`} />
    );
  if (warned !== undefined && warned > 0)
    return <Notice tone="wait" title={`Sandboxes work; ${warned} ${warned === 1 ? "thing" : "things"} should be known or done.`} />;
  return <Notice tone="good" title="This machine can run sandboxes, and confines them." />;
}
