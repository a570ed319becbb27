// Changes on their way to the sandboxes: which have them, which wait and for what, and what halted one. Told as `openclaw sandbox rollout status` does.
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { ChangeStory, Progress, SandboxProgress } from "../../api/rollout-story.ts";
import { useGateway } from "../connection/context.tsx";
import { Command, CommandWord } from "../parts/button.tsx";
import { Card, Empty } from "../parts/card.tsx";
import { Countdown } from "../parts/countdown.tsx";
import { ErrorNotice, Loading, Notice } from "../parts/notice.tsx";
import { Prose } from "../parts/prose.tsx";
import { StateMark } from "../parts/state-mark.tsx";
import { useNow } from "../parts/use-now.ts";
import { toCommand } from "../text/command.ts";
import { renderFieldValue } from "../text/size.ts";
import type { Tone } from "../text/state.ts";
import { renderAgo, renderSpan, withLocalTimes } from "../text/time.ts";

/** Beside the events of sandboxes, which ask for it anew. */
const POLL_MS = 5_000;
const SHOWN_MAX = 50;

const TONES: Readonly<Record<Progress, Tone>> = {
  done: "good",
  replacing: "busy",
  failed: "bad",
  halted: "bad",
  blocked: "bad",
  "in use": "wait",
  waiting: "wait",
  paused: "wait",
  pinned: "rest",
};
const STATES: Readonly<Record<ChangeStory["state"], Tone>> = { "rolling out": "busy", halted: "bad", waiting: "wait", paused: "wait" };

export function Rollouts(): ReactNode {
  const { data, error } = useGateway("rollout.status", {}, { everyMs: POLL_MS });
  const now = useNow();
  if (error !== null) return <ErrorNotice error={error} what="Rollouts could not be read" />;
  if (data === undefined) return <Loading />;
  const { pausedSince, changes, upToDate } = data;
  return (
    <div className="split">
      <div className="stack">
        {pausedSince !== null && (
          <Notice tone="wait" title={`Paused ${renderAgo(pausedSince, now)}: working sandboxes are not replaced.`}>
            Sandboxes are still created, repaired and removed. To go on: <CommandWord text="openclaw sandbox rollout resume" />
          </Notice>
        )}
        {changes.length === 0 ? (
          <Card title="Rollouts">
            <Empty>No rollout is in progress; {upToDate === 1 ? "1 sandbox is" : `${upToDate} sandboxes are`} up to date.</Empty>
          </Card>
        ) : (
          changes.map((change) => <Change key={`${change.since} ${change.parts.map(({ id }) => id).join(" ")}`} change={change} />)
        )}
      </div>
      <Card title="From the command line">
        <div className="stack commands">
          <Command text={toCommand("sandbox", "rollout", "status")} />
          <p className="soft small">Holds all replacements back; nothing is lost, and changes wait until it is resumed:</p>
          <Command text={toCommand("sandbox", "rollout", "pause")} />
          <Command text={toCommand("sandbox", "rollout", "resume")} />
          <p className="soft small">
            Replaces busy sandboxes too, once what runs in them has ended. What is outside their workspaces is gone: installed packages,
            files in /tmp.
          </p>
          <Command text={toCommand("sandbox", "recreate", "--drifted", "--all")} />
        </div>
      </Card>
    </div>
  );
}

function Change({ change: { parts, since, state, sandboxes, advice } }: { change: ChangeStory }): ReactNode {
  const now = useNow();
  const done = sandboxes.filter(({ progress }) => progress === "done").length;
  const rest = sandboxes.filter(({ progress }) => progress !== "done");
  const title = parts.length === 0 ? "The same spec, recreated" : parts.map(({ field }) => field).join(", ");
  return (
    <Card title={title} aside={<StateMark tone={STATES[state]}>{`${state} for ${renderSpan(now - since)}`}</StateMark>} flush>
      <div className="card-body stack">
        {parts.map(({ id, field, to }) => (
          <p key={id} className="mono small wrap-any">
            {field}: <ins>{renderFieldValue(field, to)}</ins>
          </p>
        ))}
        <label className="field">
          <span className="small">
            {done} of {sandboxes.length} have it
          </span>
          <progress max={sandboxes.length} value={done} />
        </label>
        {advice !== "" && (
          <Notice tone={state === "halted" ? "bad" : "wait"} title="What to do">
            <span className="sentence">
              <Prose text={advice} />
            </span>
          </Notice>
        )}
      </div>
      <ul className="rows">
        {rest.slice(0, SHOWN_MAX).map((one) => (
          <Waiting key={one.name} one={one} />
        ))}
      </ul>
      {rest.length > SHOWN_MAX && <p className="card-body dim small">and {rest.length - SHOWN_MAX} more</p>}
    </Card>
  );
}

function Waiting({ one: { name, progress, message, until } }: { one: SandboxProgress }): ReactNode {
  const now = useNow();
  return (
    <li>
      <div className="row">
        <Link className="row-link" to="/sandboxes/$name" params={{ name }}>
          {name}
        </Link>
        {until !== null && until > now && (
          <span className="dim small">
            looked at again <Countdown until={until} />
          </span>
        )}
        <StateMark tone={TONES[progress]}>{progress}</StateMark>
      </div>
      <p className="soft wrap-any">
        <Prose text={withLocalTimes(message, now)} />
      </p>
    </li>
  );
}
