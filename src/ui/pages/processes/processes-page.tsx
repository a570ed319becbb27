// Commands that a session left running in the background: which there are, what the chosen one prints as it prints it, and how to end it. Watching them is
// no use of the sandbox.
import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { SquareTerminal } from "lucide-react";
import type { ReactNode } from "react";
import { useGateway } from "../../connection/context.tsx";
import { Card, Empty } from "../../parts/card.tsx";
import { ErrorNotice, Waiting } from "../../parts/notice.tsx";
import { Refusal } from "../../parts/refusal.tsx";
import { StateMark } from "../../parts/state-mark.tsx";
import { useNow } from "../../parts/use-now.ts";
import { renderEnd, renderProcess, type SandboxProcess, toneOf } from "../../text/process.ts";
import { renderBytes } from "../../text/size.ts";
import { renderAgo } from "../../text/time.ts";
import { usePolicy } from "../files/use-files.ts";
import { ProcessView } from "./process-view.tsx";
import "../../styles/work.css";

/** Each look is a command of some 50 ms in the sandbox. */
const POLL_MS = 5_000;

export function ProcessesPage(): ReactNode {
  const { key } = useParams({ from: "/sessions/$key/processes" });
  const { decision: watching, error } = usePolicy(key, "process");
  const session = useGateway("sessions.get", { key });
  if (watching === undefined || session.data === undefined)
    return <Waiting errors={[error, session.error]} what="The session could not be read" />;
  if (!watching.allowed) return <Refusal title="The session's policy does not let its processes be looked at." decision={watching} />;
  return <Processes sessionKey={key} sandboxed={session.data.sandboxed} />;
}

function Processes({ sessionKey, sandboxed }: { sessionKey: string; sandboxed: boolean }): ReactNode {
  const { id } = useSearch({ from: "/sessions/$key/processes" });
  const navigate = useNavigate({ from: "/sessions/$key/processes" });
  const { data, error } = useGateway("process.list", { key: sessionKey }, { everyMs: POLL_MS });
  const items = data?.items.toReversed() ?? [];
  const choose = (chosen: string | undefined): void => void navigate({ search: chosen === undefined ? {} : { id: chosen } });
  return (
    <div className={id === undefined ? "stack" : "split tools-split"}>
      <Card title="Background processes" aside={data && `${items.filter(({ state }) => state === "running").length} running`} flush>
        {error !== null && (
          <div className="card-body">
            <ErrorNotice error={error} what="The processes could not be looked at" />
          </div>
        )}
        {data?.items.length === 0 && (
          <Empty icon={<SquareTerminal aria-hidden="true" />}>
            Nothing runs in the background. The tool <code className="chip">exec</code> leaves a command there with{" "}
            <code className="chip">background</code>.
          </Empty>
        )}
        {items.length > 0 && (
          <table className="table tall process-table">
            <thead>
              <tr>
                <th scope="col">Command</th>
                <th scope="col">State</th>
                <th scope="col" className="process-column-output">
                  Output
                </th>
              </tr>
            </thead>
            <tbody>
              {items.map((item) => (
                <Row key={item.id} process={item} isChosen={item.id === id} choose={() => choose(item.id)} />
              ))}
            </tbody>
          </table>
        )}
      </Card>
      {id !== undefined && (
        <ProcessView key={id} place={{ sessionKey, id, sandboxed, origin: window.location.origin }} close={() => choose(undefined)} />
      )}
    </div>
  );
}

function Row({ process, isChosen, choose }: { process: SandboxProcess; isChosen: boolean; choose(): void }): ReactNode {
  const now = useNow();
  return (
    <tr data-chosen={isChosen}>
      <td className="wrap-any">
        <button type="button" className="text-button mono process-command" aria-pressed={isChosen} onClick={choose}>
          {renderProcess(process)}
        </button>
        <div className="dim tiny">started {renderAgo(process.startedAt, now)}</div>
      </td>
      <td>
        <StateMark tone={toneOf(process)}>{renderEnd(process)}</StateMark>
      </td>
      <td className="process-column-output nowrap dim">{renderBytes(process.outputBytes)}</td>
    </tr>
  );
}
