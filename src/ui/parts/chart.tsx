// A small chart over time: lines or bars over one axis, as a picture with a sentence for whoever does not see it. Loaded when it is first needed.
// It is drawn anew when its place gets another width, and when the colours of the page change.
import { type ReactNode, useEffect, useRef, useState, useSyncExternalStore } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { Tone } from "../text/state.ts";

export interface ChartLine {
  label: string;
  tone: Tone;
  values: readonly (number | null)[];
}

interface ChartProps {
  /** Says in words what is to be seen. */
  label: string;
  /** Milliseconds since 1970, ascending. */
  at: readonly number[];
  lines: readonly ChartLine[];
  kind: "lines" | "bars";
  /** Of the figures at its side. Absent: they are counts. */
  unit?: string;
}

const HEIGHT_PX = 104;
const AXIS_PX = { x: 22, y: 26 } as const;
/** A chart of one sample has a width too. */
const SPAN_SECONDS_MIN = 600;
/** Whole ones: half a sandbox is none. */
const STEPS = [0, 1, 2, 3, 4, 5].flatMap((power) => [1, 2, 5].map((step) => step * 10 ** power));
const FONT = "11px ui-sans-serif, system-ui, sans-serif";

export function Chart({ label, at, lines, kind, unit = "" }: ChartProps): ReactNode {
  const place = useRef<HTMLDivElement>(null);
  const width = useWidth(place);
  const colours = useColourScheme();
  // biome-ignore lint/correctness/useExhaustiveDependencies: another colour scheme is other colours of the same names
  useEffect(() => {
    if (place.current === null || width === 0) return;
    const data: uPlot.AlignedData = [at.map((moment) => moment / 1_000), ...lines.map(({ values }) => [...values])];
    const chart = new uPlot(toOptions({ lines, kind, unit, width, element: place.current }), data, place.current);
    return () => chart.destroy();
  }, [at, lines, kind, unit, width, colours]);
  return <div ref={place} className="chart" role="img" aria-label={label} />;
}

interface Drawn extends Pick<ChartProps, "lines" | "kind"> {
  unit: string;
  width: number;
  element: HTMLElement;
}

function toOptions({ lines, kind, unit, width, element }: Drawn): uPlot.Options {
  const [ink, grid] = [resolveColour(element, "--ink-3"), resolveColour(element, "--line")];
  const axis = { stroke: ink, font: FONT, ticks: { show: false }, grid: { stroke: grid, width: 1 } };
  const bars = kind === "bars" ? uPlot.paths.bars?.({ size: [0.8, 12] }) : undefined;
  return {
    width,
    height: HEIGHT_PX,
    padding: [6, 4, 0, 0],
    legend: { show: false },
    cursor: { show: false },
    select: { show: false, left: 0, top: 0, width: 0, height: 0 },
    scales: {
      x: { time: true, range: (_chart, min, max) => [Math.min(min, max - SPAN_SECONDS_MIN), max] },
      y: { range: (_chart, _min, max) => [0, Math.max(1, max ?? 0)] },
    },
    axes: [
      { ...axis, size: AXIS_PX.x, space: 70, grid: { show: false }, values: (_chart, splits) => splits.map(renderHour) },
      { ...axis, size: AXIS_PX.y, space: 28, incrs: [...STEPS], values: (_chart, splits) => splits.map((value) => `${value}${unit}`) },
    ],
    series: [
      {},
      ...lines.map(({ tone, label }): uPlot.Series => {
        const stroke = resolveColour(element, `--${tone}-mark`);
        return {
          label,
          stroke,
          width: 1.75,
          spanGaps: false,
          points: { size: 5 },
          ...(bars !== undefined && { paths: bars, fill: stroke }),
        };
      }),
    ],
  };
}

const renderHour = (seconds: number): string => {
  const date = new Date(seconds * 1_000);
  return [date.getHours(), date.getMinutes()].map((part) => String(part).padStart(2, "0")).join(":");
};

/** A canvas knows no variables, and no `light-dark()`. */
function resolveColour(element: HTMLElement, name: string): string {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  element.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

function useWidth(place: { readonly current: HTMLElement | null }): number {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    if (place.current === null) return;
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry?.contentRect.width ?? 0)));
    observer.observe(place.current);
    return () => observer.disconnect();
  }, [place]);
  return width;
}

const DARK = "(prefers-color-scheme: dark)";

/** Another text whenever the colours are other ones: by the system, or by Settings. */
const useColourScheme = (): string =>
  useSyncExternalStore(
    (changed) => {
      const system = window.matchMedia(DARK);
      const settings = new MutationObserver(changed);
      system.addEventListener("change", changed);
      settings.observe(document.documentElement, { attributeFilter: ["data-theme"] });
      return () => {
        system.removeEventListener("change", changed);
        settings.disconnect();
      };
    },
    () => `${document.documentElement.dataset.theme ?? ""} ${window.matchMedia(DARK).matches}`,
  );
