// The overview: is everything as the config says, what is not, and what will happen next.
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { useGateway } from "../connection/context.tsx";
import { ErrorNotice } from "../parts/notice.tsx";
import { StateMark } from "../parts/state-mark.tsx";
import { countStates, STATE_NAMES, STATES } from "../text/state.ts";

const POLL_MS = 2_000;

export function Overview(): ReactNode {
  const { data, error } = useGateway("sandbox.list", {}, { everyMs: POLL_MS });
  const counts = countStates(data?.items ?? []);
  return (
    <>
      <div className="page-head">
        <h1>Overview</h1>
      </div>
      {error !== null && <ErrorNotice error={error} what="Sandboxes could not be read" />}
      <section className="card" aria-labelledby="states">
        <div className="card-head">
          <h2 id="states">Sandboxes</h2>
          <Link className="aside" to="/sandboxes">
            {data?.items.length ?? 0} in all
          </Link>
        </div>
        <ul className="card-body row">
          {STATE_NAMES.filter((name) => counts.has(name)).map((name) => (
            <li key={name}>
              <StateMark tone={STATES[name].tone}>
                {counts.get(name)} {STATES[name].word.toLowerCase()}
              </StateMark>
            </li>
          ))}
        </ul>
      </section>
    </>
  );
}
