// `openclaw sandbox top`: what sandboxes use now, once or again and again. The load is what lies between two looks at the same container, so the first
// answer takes a moment. The engine measures, the controller asks it; nothing of it is kept.
import type { Sandbox } from "../../api/sandbox.ts";
import { type SandboxUsage, toCpuPercent } from "../../api/usage.ts";
import { AdminClient } from "../admin-client.ts";
import { type CliContext, EXIT, type ExitCode, print, printJsonLine, printNote, toWidth } from "../context.ts";
import { type OutputForm, type OutputOptions, printAsData, toOutputForm } from "../output-form.ts";
import { type StateOptions, toStateDir } from "../paths.ts";
import { findSandboxNamed } from "../sandbox-name.ts";
import { renderTable } from "../table.ts";
import { renderBytes } from "../text.ts";

export interface TopOptions extends StateOptions, OutputOptions {
  watch?: boolean;
  /** Milliseconds. */
  interval: number;
  sort: "name" | "cpu" | "memory" | "pids";
}

/** Between the two looks of one answer; the kernel counts in hundredths of a second. */
const FIRST_LOOK_MS = 1_000;
/** To the top of the screen, and what stands below goes. */
const REDRAW = "\u001b[H\u001b[J";

interface Row extends SandboxUsage {
  /** Percent of one CPU. null: not known. */
  cpuPercent: number | null;
}

/** @param text names the only one that is shown */
export async function showUsage(context: CliContext, text: string | undefined, options: TopOptions): Promise<ExitCode> {
  const client = new AdminClient(toStateDir(context, options));
  const only: Sandbox | null = text === undefined ? null : await findSandboxNamed(client, text);
  const look = async (): Promise<SandboxUsage[]> => (await client.usage(only?.metadata.name ?? null)).items;
  const form = toOutputForm(options);
  let before = await look();
  for (let round = 0; ; round += 1) {
    await new Promise((resolve) => setTimeout(resolve, round === 0 ? FIRST_LOOK_MS : options.interval));
    const now = await look();
    await show(context, toRows(before, now, options.sort), { form, watch: options.watch === true });
    if (options.watch !== true) return EXIT.ok;
    before = now;
  }
}

function toRows(before: readonly SandboxUsage[], now: readonly SandboxUsage[], sort: TopOptions["sort"]): Row[] {
  const earlier = new Map(before.map((one) => [one.containerId, one.usage]));
  const rows = now.map((one): Row => {
    const then = one.containerId === null ? null : (earlier.get(one.containerId) ?? null);
    return { ...one, cpuPercent: one.usage === null || then === null ? null : toCpuPercent(then, one.usage) };
  });
  return rows.sort((left, right) => compare(left, right, sort) || (left.name < right.name ? -1 : 1));
}

/** The largest first; what is not known last. */
function compare(left: Row, right: Row, sort: TopOptions["sort"]): number {
  switch (sort) {
    case "name":
      return 0;
    case "cpu":
      return (right.cpuPercent ?? -1) - (left.cpuPercent ?? -1);
    case "memory":
      return (right.usage?.memoryBytes ?? -1) - (left.usage?.memoryBytes ?? -1);
    case "pids":
      return (right.usage?.pids ?? -1) - (left.usage?.pids ?? -1);
  }
}

async function show(context: CliContext, rows: readonly Row[], { form, watch }: { form: OutputForm; watch: boolean }): Promise<void> {
  if (form === "json" && watch) printJsonLine(context, { items: rows });
  else if (await printAsData(context, form, { value: { items: rows }, names: rows.map(({ name }) => name) })) return;
  else if (rows.length === 0) printNote(context, "no sandboxes; see: openclaw sandbox list");
  else {
    const table = renderUsage(rows, form === "wide" ? undefined : toWidth(context));
    if (!watch) print(context, table);
    else if (context.stdout.isTTY === true) {
      context.stdout.write(REDRAW);
      print(context, table);
    } else print(context, `${table}\n`);
  }
}

const HEAD = ["NAME", "AGENT", "CPU", "CPU-MAX", "MEMORY", "MEMORY-MAX", "PIDS", "PIDS-MAX"] as const;

function renderUsage(rows: readonly Row[], width: number | undefined): string {
  const cells = rows.map(({ name, agentId, cpuPercent, cpusMax, usage }) => [
    name,
    agentId ?? "-",
    renderPercent(cpuPercent),
    renderPercent(cpusMax === null ? null : cpusMax * 100),
    usage === null ? "-" : renderBytes(usage.memoryBytes),
    usage === null || usage.memoryBytesMax === null ? "-" : renderBytes(usage.memoryBytesMax),
    usage === null ? "-" : String(usage.pids),
    usage === null || usage.pidsMax === null ? "-" : String(usage.pidsMax),
  ]);
  return renderTable(HEAD, cells, width === undefined ? undefined : { width, optional: ["AGENT", "PIDS-MAX", "CPU-MAX", "MEMORY-MAX"] });
}

const renderPercent = (percent: number | null): string => (percent === null ? "-" : `${percent.toFixed(1)}%`);
