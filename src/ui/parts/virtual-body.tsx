// The body of a long table: only the rows that are seen are in the document, so that a thousand scroll as ten do.
import { useVirtualizer } from "@tanstack/react-virtual";
import type { ReactNode } from "react";

interface VirtualBodyProps {
  /** What scrolls, around the table. As state rather than a ref: it is there only after this was drawn for the first time. */
  scroller: HTMLElement | null;
  count: number;
  rowPx: number;
  columns: number;
  children: (index: number) => ReactNode;
}

export function VirtualBody({ scroller, count, rowPx, columns, children }: VirtualBodyProps): ReactNode {
  const virtual = useVirtualizer({ count, getScrollElement: () => scroller, estimateSize: () => rowPx, overscan: 8 });
  const shown = virtual.getVirtualItems();
  const before = shown[0]?.start ?? 0;
  const after = virtual.getTotalSize() - (shown.at(-1)?.end ?? 0);
  return (
    <tbody>
      {before > 0 && <Spacer height={before} columns={columns} />}
      {shown.map(({ index }) => children(index))}
      {after > 0 && <Spacer height={after} columns={columns} />}
    </tbody>
  );
}

/** In place of the rows that are not seen. */
function Spacer({ height, columns }: { height: number; columns: number }): ReactNode {
  return (
    <tr className="spacer">
      <td colSpan={columns} style={{ height }} />
    </tr>
  );
}
