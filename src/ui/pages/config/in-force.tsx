// What the config says for one agent: every value with the line that sets it, what it overrides, and what is written in vain.
import type { ReactNode } from "react";
import { useState } from "react";
import type { ExplainView } from "../../../api/explain-view.ts";
import type { Issue } from "../../../api/issue.ts";
import { useGateway } from "../../connection/context.tsx";
import { Command } from "../../parts/button.tsx";
import { Card } from "../../parts/card.tsx";
import { ExplainedValues } from "../../parts/explained-values.tsx";
import { Mounts } from "../../parts/mounts.tsx";
import { ErrorNotice, Loading, Notice } from "../../parts/notice.tsx";
import { toCommand } from "../../text/command.ts";

/** How soon a saved file is seen here. */
const POLL_MS = 10_000;

/** Of the gateway's part of the config: what this page needs. */
const agentsOf = (config: Readonly<Record<string, unknown>>): string[] =>
  Array.isArray(config.agents) ? config.agents.flatMap(({ id }: { id?: unknown }) => (typeof id === "string" ? [id] : [])) : [];

export function InForce(): ReactNode {
  const { data, error } = useGateway("config.get", {}, { everyMs: POLL_MS });
  const [chosen, setChosen] = useState<string | null>(null);
  if (error !== null) return <ErrorNotice error={error} what="The config could not be read" />;
  if (data === undefined) return <Loading />;
  const agents = agentsOf(data.config);
  const agent = chosen ?? agents[0];
  if (agent === undefined) return <Notice tone="rest" title="The config names no agent." />;
  return (
    <>
      <fieldset className="row choices">
        <legend className="sr-only">Agent</legend>
        {agents.map((id) => (
          <label key={id} className="chip-button">
            <input type="radio" name="agent" checked={agent === id} onChange={() => setChosen(id)} />
            {id}
          </label>
        ))}
      </fieldset>
      <AgentConfig key={agent} agent={agent} />
    </>
  );
}

function AgentConfig({ agent }: { agent: string }): ReactNode {
  const { data, error } = useGateway("sandbox.explain", { agent }, { everyMs: POLL_MS });
  if (error !== null) return <ErrorNotice error={error} what="It could not be explained" />;
  if (data === undefined) return <Loading />;
  return (
    <div className="split">
      <div className="stack">
        <Notice
          tone={data.sandboxed ? "good" : "rest"}
          title={data.sandboxed ? "Its main session is sandboxed." : "Its main session has no sandbox."}
        >
          {data.because}
        </Notice>
        {data.missing.map((missing) => (
          <Notice key={missing} tone="wait" title={missing} />
        ))}
        <Warnings issues={data.warnings} />
        <Card title={`Agent ${agent}`} aside={data.config} flush>
          <ExplainedValues values={data.values} />
        </Card>
      </div>
      <Aside view={data} />
    </div>
  );
}

function Warnings({ issues }: { issues: readonly Issue[] }): ReactNode {
  return issues.map(({ file, line, column, path, message, fix }) => (
    <Notice key={`${file} ${line} ${column} ${message}`} tone="wait" title={`${path === "" ? "" : `${path}: `}${message}`}>
      {line !== undefined && <code className="chip">{`${file}:${line}:${column ?? 1}`}</code>} {fix}
    </Notice>
  ));
}

function Aside({ view: { agentId, mounts, ignored } }: { view: ExplainView }): ReactNode {
  return (
    <div className="stack">
      <Mounts mounts={mounts} />
      {ignored.length > 0 && (
        <Card title="Written without effect" flush>
          <ul className="rows">
            {ignored.map(({ key, because }) => (
              <li key={key}>
                <p className="mono wrap-any">{key}</p>
                <p className="dim tiny">{because}</p>
              </li>
            ))}
          </ul>
        </Card>
      )}
      <Card title="From the command line">
        <div className="stack commands">
          <Command text={toCommand("sandbox", "explain", "--agent", agentId)} />
          <Command text={toCommand("config", "validate")} />
        </div>
      </Card>
    </div>
  );
}
