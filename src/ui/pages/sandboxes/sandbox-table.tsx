// The table of sandboxes: sorted by its heads, and only the rows that are seen are in the document, so that a thousand scroll as ten do.
import { Link } from "@tanstack/react-router";
import {
  createColumnHelper,
  createSortedRowModel,
  type Header,
  rowSortingFeature,
  sortFn_alphanumeric,
  sortFn_basic,
  tableFeatures,
  useTable,
} from "@tanstack/react-table";
import { ArrowDown, ArrowUp } from "lucide-react";
import { type ReactNode, useState } from "react";
import type { Sandbox } from "../../../api/sandbox.ts";
import { StateMark } from "../../parts/state-mark.tsx";
import { useNow } from "../../parts/use-now.ts";
import { VirtualBody } from "../../parts/virtual-body.tsx";
import { STATE_NAMES, toState } from "../../text/state.ts";
import { renderAgo, renderSpan, withLocalTimes } from "../../text/time.ts";
import { BrowserPicture } from "./browser-of.tsx";

/** As parts.css has it. */
const ROW_PX = 52;

const features = tableFeatures({
  rowSortingFeature,
  sortedRowModel: createSortedRowModel(),
  sortFns: { alphanumeric: sortFn_alphanumeric, basic: sortFn_basic },
});
type SandboxHeader = Header<typeof features, Sandbox, unknown>;
const column = createColumnHelper<typeof features, Sandbox>();

/** The worst first. */
const rankOf = (sandbox: Sandbox): number => STATE_NAMES.indexOf(toState(sandbox).name);

const columns = column.columns([
  column.accessor(rankOf, { id: "state", header: "State", sortFn: "basic" }),
  column.accessor(({ spec }) => spec.scopeKey as string, { id: "name", header: "Sandbox", sortFn: "alphanumeric" }),
  column.accessor((sandbox) => toState(sandbox).reason, { id: "reason", header: "What it says", sortFn: "alphanumeric" }),
  column.accessor(({ status }) => (status.lastUsedAt ?? 0) as number, { id: "used", header: "Used", sortFn: "basic", sortDescFirst: true }),
  column.accessor(({ status }) => (status.container?.createdAt ?? 0) as number, { id: "age", header: "Age", sortFn: "basic" }),
]);

export function SandboxTable({ sandboxes }: { sandboxes: readonly Sandbox[] }): ReactNode {
  const [scroller, setScroller] = useState<HTMLElement | null>(null);
  const table = useTable({
    features,
    columns,
    data: sandboxes,
    getRowId: ({ metadata }) => metadata.name,
    initialState: {
      sorting: [
        { id: "state", desc: false },
        { id: "name", desc: false },
      ],
    },
  });
  const { rows } = table.getRowModel();
  return (
    <section className="table-scroll" ref={setScroller} aria-label="The table of sandboxes">
      <table className="table sandbox-table" aria-rowcount={rows.length + 1}>
        <thead>
          <tr>
            {table.getFlatHeaders().map((header) => (
              <SortHead key={header.id} header={header} />
            ))}
          </tr>
        </thead>
        <VirtualBody scroller={scroller} count={rows.length} rowPx={ROW_PX} columns={columns.length}>
          {(index) => {
            const row = rows[index];
            return row === undefined ? null : <SandboxRow key={row.id} sandbox={row.original} index={index} />;
          }}
        </VirtualBody>
      </table>
    </section>
  );
}

function SortHead({ header }: { header: SandboxHeader }): ReactNode {
  const sorted = header.column.getIsSorted();
  return (
    <th
      scope="col"
      className={`column-${header.id}`}
      aria-sort={sorted === "asc" ? "ascending" : sorted === "desc" ? "descending" : "none"}
    >
      <button type="button" className="head-button" onClick={header.column.getToggleSortingHandler()}>
        {String(header.column.columnDef.header)}
        {sorted === "asc" && <ArrowUp aria-hidden="true" />}
        {sorted === "desc" && <ArrowDown aria-hidden="true" />}
      </button>
    </th>
  );
}

function SandboxRow({ sandbox, index }: { sandbox: Sandbox; index: number }): ReactNode {
  const now = useNow();
  const { metadata, spec, status } = sandbox;
  const { word, tone, reason, message } = toState(sandbox);
  const isQuiet = tone === "good" || tone === "rest";
  return (
    <tr aria-rowindex={index + 2}>
      <td>
        <StateMark tone={tone}>{word}</StateMark>
      </td>
      <td>
        <div className="named-row">
          {spec.kind === "browser" && status.container !== null && <BrowserPicture spec={spec} />}
          <div>
            <Link className="row-link truncate" to="/sandboxes/$name" params={{ name: metadata.name }}>
              {spec.kind === "browser" ? `Browser of ${spec.scopeKey}` : spec.scopeKey}
            </Link>
            <div className="dim tiny mono truncate wide-only">{metadata.name}</div>
            <div className="dim tiny truncate narrow-only">{isQuiet ? spec.image : withLocalTimes(message, now)}</div>
          </div>
        </div>
      </td>
      <td className="column-reason">
        <div className="truncate">{isQuiet ? spec.image : reason}</div>
        <div className="dim tiny truncate">{withLocalTimes(isQuiet ? (status.next[0] ?? spec.because) : message, now)}</div>
      </td>
      <td className="column-used nowrap">
        {status.lastUsedAt === null ? <span className="dim">never</span> : renderAgo(status.lastUsedAt, now)}
      </td>
      <td className="column-age nowrap">
        {status.container === null ? <span className="dim">none</span> : renderSpan(now - status.container.createdAt)}
      </td>
    </tr>
  );
}
