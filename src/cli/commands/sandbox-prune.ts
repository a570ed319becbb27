// `openclaw sandbox prune`: what is ours and nothing wants, and its removal.
// What may be removed, and when, is the controller's sweep.
import type { UnownedObject } from "../../api/wire.ts";
import { AdminClient } from "../admin-client.ts";
import { type CliContext, EXIT, type ExitCode, print, printJson, printNote } from "../context.ts";
import { type StateOptions, toStateDir } from "../paths.ts";
import { renderTable, toSafeLine } from "../text.ts";

export async function pruneSandboxes(context: CliContext, options: StateOptions & { dryRun?: boolean; json?: boolean }): Promise<ExitCode> {
  const client = new AdminClient(toStateDir(context, options));
  const view = await client.prune(options.dryRun === true);
  if (options.json === true) {
    printJson(context, view);
    return EXIT.ok;
  }
  if (view.items.length === 0) printNote(context, "nothing is unowned");
  else print(context, renderUnowned(view.items));
  for (const name of view.removed) print(context, `removed ${toSafeLine(name)}`);
  const left = view.items.filter(({ removable }) => !removable).length;
  if (options.dryRun !== true && left > 0)
    printNote(context, `${left} left: what was seen for the first time, or is young, is removed at a later look`);
  return EXIT.ok;
}

function renderUnowned(items: readonly UnownedObject[]): string {
  return renderTable(
    ["KIND", "NAME", "REMOVABLE", "BYTES", "WHY"],
    items.map(({ kind, name, removable, bytes, because }) => [
      kind,
      name,
      removable ? "yes" : "not yet",
      bytes === null ? "-" : String(bytes),
      because,
    ]),
  );
}
