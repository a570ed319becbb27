// The list of sandboxes, as they change: searched and filtered by the address, sorted by its columns, drawn only where it is seen.
import { useNavigate, useSearch } from "@tanstack/react-router";
import { Boxes, Search } from "lucide-react";
import { type ReactNode, useMemo } from "react";
import type { Sandbox } from "../../../api/sandbox.ts";
import { Card, Empty } from "../../parts/card.tsx";
import { ErrorNotice, Loading } from "../../parts/notice.tsx";
import { ToneIcon } from "../../parts/state-mark.tsx";
import { renderCount } from "../../text/size.ts";
import { countStates, STATE_NAMES, STATES, toState } from "../../text/state.ts";
import { FirstSteps } from "../first-steps.tsx";
import { SandboxTable } from "./sandbox-table.tsx";
import type { SandboxSearch } from "./search.ts";
import { useSandboxes } from "./use-sandboxes.ts";

export function SandboxList(): ReactNode {
  const { data, error } = useSandboxes();
  const search = useSearch({ from: "/sandboxes/" });
  const items = data ?? [];
  const found = useMemo(() => items.filter((sandbox) => isFound(sandbox, search)), [items, search]);
  return (
    <div className="stack">
      {error !== null && <ErrorNotice error={error} what="Sandboxes could not be read" />}
      {data === undefined && error === null && <Loading />}
      {data?.length === 0 && <FirstSteps />}
      {items.length > 0 && (
        <>
          <Filters items={items} search={search} />
          <Card title={renderCount(found.length, items.length, ["sandbox", "sandboxes"])} flush>
            {found.length === 0 ? (
              <Empty icon={<Boxes aria-hidden="true" />}>No sandbox is like that.</Empty>
            ) : (
              <SandboxTable sandboxes={found} />
            )}
          </Card>
        </>
      )}
    </div>
  );
}

function Filters({ items, search }: { items: readonly Sandbox[]; search: SandboxSearch }): ReactNode {
  const navigate = useNavigate({ from: "/sandboxes/" });
  const counts = countStates(items);
  return (
    <search className="row" aria-label="Sandboxes">
      <div className="search-field">
        <Search aria-hidden="true" />
        <input
          className="input"
          type="search"
          aria-label="Search by name, agent, image or reason"
          placeholder="Name, agent, image, reason"
          value={search.q ?? ""}
          onChange={({ target }) => void navigate({ search: { ...search, q: target.value || undefined }, replace: true })}
        />
      </div>
      {STATE_NAMES.filter((name) => counts.has(name) || search.state === name).map((name) => (
        <button
          key={name}
          type="button"
          className="chip-button"
          data-tone={STATES[name].tone}
          title={STATES[name].meaning}
          aria-pressed={search.state === name}
          onClick={() => void navigate({ search: { ...search, state: search.state === name ? undefined : name }, replace: true })}
        >
          <ToneIcon tone={STATES[name].tone} />
          {STATES[name].word}
          <span className="dim">{counts.get(name) ?? 0}</span>
        </button>
      ))}
    </search>
  );
}

function isFound(sandbox: Sandbox, { q = "", state }: SandboxSearch): boolean {
  const { name, reason, message } = toState(sandbox);
  if (state !== undefined && state !== name) return false;
  const { metadata, spec } = sandbox;
  const text = [metadata.name, spec.scopeKey, spec.agentId, spec.image, reason, message].join(" ").toLowerCase();
  return q
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}
