// The last hours as small charts: sandboxes by state, how long changes took, what differs, what was pruned, what leaked. The newest figure of each is
// said in words beside it.
import { lazy, type ReactNode, Suspense, useMemo } from "react";
import type { HistoryView } from "../../../api/history.ts";
import { useGateway } from "../../connection/context.tsx";
import { Card } from "../../parts/card.tsx";
import type { ChartLine } from "../../parts/chart.tsx";
import { ErrorNotice } from "../../parts/notice.tsx";
import { renderSpan } from "../../text/time.ts";

const Chart = lazy(async () => ({ default: (await import("../../parts/chart.tsx")).Chart }));

/** As often as the controller samples. */
const POLL_MS = 30_000;

interface Figure {
  title: string;
  /** The newest, in words. */
  now: string;
  lines: ChartLine[];
  kind: "lines" | "bars";
  unit?: string;
}

export function Charts(): ReactNode {
  const { data, error } = useGateway("controller.history", {}, { everyMs: POLL_MS });
  const figures = useMemo(() => (data === undefined ? [] : toFigures(data)), [data]);
  if (error !== null) return <ErrorNotice error={error} what="The last hours could not be read" />;
  if (data === undefined) return null;
  const [first = 0, last = 0] = [data.at[0], data.at.at(-1)];
  const span = renderSpan(last - first);
  return (
    <Card title="Over time" aside={`the last ${span}`}>
      <div className="charts">
        {figures.map(({ title, now, ...drawn }) => (
          <figure key={title}>
            <figcaption>
              <strong>{title}</strong>
              <span className="dim">{now}</span>
              <Key lines={drawn.lines.filter(({ values }) => values.some((value) => value !== null))} />
            </figcaption>
            <Suspense fallback={<div className="chart" />}>
              <Chart label={`${title} over the last ${span}: ${now}`} at={data.at} {...drawn} />
            </Suspense>
          </figure>
        ))}
      </div>
    </Card>
  );
}

/** Which line is which: the words are in the figure's sentence. */
function Key({ lines }: { lines: readonly ChartLine[] }): ReactNode {
  if (lines.length < 2) return null;
  return (
    <span className="chart-key" aria-hidden="true">
      {lines.map(({ label, tone }) => (
        <span key={label} data-tone={tone}>
          {label}
        </span>
      ))}
    </span>
  );
}

const isNothing = ({ values }: ChartLine): boolean => values.every((value) => value === 0);
/** What is nothing all the time is no alarm. */
const quietly = (line: ChartLine): ChartLine => (isNothing(line) ? { ...line, tone: "rest" } : line);
const onlyIfAny = (line: ChartLine): ChartLine => (isNothing(line) ? { ...line, values: line.values.map(() => null) } : line);

function toFigures({ ready, notReady, unknown, drifted, convergenceSeconds, prunes, leaks }: HistoryView): Figure[] {
  const newest = (values: readonly number[]): number => values.at(-1) ?? 0;
  const took = convergenceSeconds.findLast((seconds) => seconds !== null) ?? null;
  const pruned = prunes.reduce((sum, count) => sum + count, 0);
  return [
    {
      title: "Sandboxes",
      now: `${newest(ready)} ready, ${newest(notReady)} not, ${newest(unknown)} unknown`,
      kind: "lines",
      lines: [
        { label: "ready", tone: "good", values: ready },
        onlyIfAny({ label: "not ready", tone: "bad", values: notReady }),
        onlyIfAny({ label: "unknown", tone: "wait", values: unknown }),
      ],
    },
    {
      title: "Convergence",
      now: took === null ? "no change was made" : `the newest change took ${took < 10 ? took.toFixed(1) : Math.round(took)} s`,
      kind: "bars",
      unit: "s",
      lines: [{ label: "seconds", tone: "busy", values: convergenceSeconds }],
    },
    {
      title: "Drift",
      now:
        newest(drifted) === 0
          ? "none differs from the config"
          : `${newest(drifted)} ${newest(drifted) === 1 ? "differs" : "differ"} from the config`,
      kind: "lines",
      lines: [quietly({ label: "drifted", tone: "wait", values: drifted })],
    },
    {
      title: "Prunes",
      now: `${pruned} ${pruned === 1 ? "container" : "containers"}`,
      kind: "bars",
      lines: [{ label: "pruned", tone: "rest", values: prunes }],
    },
    {
      title: "Leaks",
      now: newest(leaks) === 0 ? "nothing without an owner" : `${newest(leaks)} without an owner`,
      kind: "lines",
      lines: [quietly({ label: "leaks", tone: "bad", values: leaks })],
    },
  ];
}
