// `openclaw sandbox prune`: what is ours and nothing wants, and its removal.
// What may be removed, and when, is the controller's sweep.

import { toSafeLine } from "../../api/safe-text.ts";
import type { UnownedObject } from "../../api/wire.ts";
import { AdminClient } from "../admin-client.ts";
import { type CliContext, EXIT, type ExitCode, print, printJson, printNote, toWidth } from "../context.ts";
import { type StateOptions, toStateDir } from "../paths.ts";
import { renderTable } from "../table.ts";
import { renderBytes } from "../text.ts";

export async function pruneSandboxes(context: CliContext, options: StateOptions & { dryRun?: boolean; json?: boolean }): Promise<ExitCode> {
  const client = new AdminClient(toStateDir(context, options));
  const view = await client.prune(options.dryRun === true);
  if (options.json === true) {
    printJson(context, view);
    return EXIT.ok;
  }
  if (view.items.length === 0) printNote(context, "nothing to prune");
  else print(context, renderUnowned(view.items, toWidth(context)));
  for (const name of view.removed) print(context, `removed ${toSafeLine(name)}`);
  const waiting = view.items.filter(({ fate, kind, name }) => fate !== "kept" && !view.removed.includes(`${kind} ${name}`)).length;
  if (options.dryRun !== true && waiting > 0)
    printNote(
      context,
      `${waiting} left for a later sweep: containers, new objects and objects seen for the first time are removed within minutes, or at the time shown`,
    );
  return EXIT.ok;
}

const STATES: Readonly<Record<UnownedObject["fate"], string>> = { removable: "due now", waits: "due later", kept: "stays" };

function renderUnowned(items: readonly UnownedObject[], width: number): string {
  const rows = items.map(({ kind, name, fate, size, because }) => [kind, name, STATES[fate], renderSize(size), because]);
  return renderTable(["KIND", "NAME", "STATE", "SIZE", "WHY"], rows, { width });
}

function renderSize(size: UnownedObject["size"]): string {
  if (size === null) return "-";
  return `${size.complete ? "" : ">= "}${renderBytes(size.bytes)}`;
}
