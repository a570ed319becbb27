// The list of sandboxes, as it changes.
import type { ReactNode } from "react";
import { useGateway } from "../connection/context.tsx";
import { ErrorNotice } from "../parts/notice.tsx";
import { StateMark } from "../parts/state-mark.tsx";
import { useNow } from "../parts/use-now.ts";
import { toState } from "../text/state.ts";
import { renderSpan } from "../text/time.ts";

const POLL_MS = 2_000;

export function Sandboxes(): ReactNode {
  const { data, error } = useGateway("sandbox.list", {}, { everyMs: POLL_MS });
  const now = useNow();
  return (
    <>
      <div className="page-head">
        <h1>Sandboxes</h1>
      </div>
      {error !== null && <ErrorNotice error={error} what="Sandboxes could not be read" />}
      <div className="card">
        <table className="table">
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col">Agent</th>
              <th scope="col">State</th>
              <th scope="col">Age</th>
            </tr>
          </thead>
          <tbody>
            {data?.items.map((sandbox) => {
              const { tone, word } = toState(sandbox);
              const { container } = sandbox.status;
              return (
                <tr key={sandbox.metadata.name}>
                  <td className="mono">{sandbox.metadata.name}</td>
                  <td>{sandbox.spec.agentId ?? "shared"}</td>
                  <td>
                    <StateMark tone={tone}>{word}</StateMark>
                  </td>
                  <td>{container === null ? "" : renderSpan(now - container.createdAt)}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </>
  );
}
