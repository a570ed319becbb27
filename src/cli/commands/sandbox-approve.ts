// `openclaw sandbox approve`: shows the removals that were too many at once, and lets exactly those through that it showed.
// It writes requests; the controller removes. Removals that were held after the listing stay held.
import { renderTime, toEpochMs, toSandboxName } from "../../api/brands.ts";
import { OperationError } from "../../api/errors.ts";
import { approveRemoval } from "../../api/store/request-file.ts";
import type { HeldView } from "../../api/wire.ts";
import { AdminClient } from "../admin-client.ts";
import { confirm } from "../confirm.ts";
import { type CliContext, EXIT, type ExitCode, print, printJson, printNote, toWidth } from "../context.ts";
import { type StateOptions, toStateDir } from "../paths.ts";
import { renderTable } from "../table.ts";

export interface ApproveOptions extends StateOptions {
  yes?: boolean;
  json?: boolean;
}

export async function approveRemovals(context: CliContext, options: ApproveOptions): Promise<ExitCode> {
  const stateDir = toStateDir(context, options);
  const view = await new AdminClient(stateDir).held();
  if (view.items.length === 0) {
    if (options.json === true) printJson(context, { items: [] });
    else printNote(context, "openclaw: no removals are awaiting approval");
    return EXIT.ok;
  }
  if (options.yes !== true) {
    printNote(context, renderHeld(view, toWidth(context)).trimEnd());
    if (context.stdin.isTTY !== true)
      throw new OperationError("InvalidArgument", "there is no terminal to ask for confirmation", {
        fix: "openclaw sandbox approve --yes",
      });
    const count = view.items.length === 1 ? "this sandbox" : `these ${view.items.length} sandboxes`;
    if (!(await confirm(context, `Remove ${count} (running work finishes first, and workspaces are kept)?`))) {
      printNote(context, "openclaw: nothing changed");
      return EXIT.failed;
    }
  }
  for (const { name, since } of view.items) await approveRemoval(stateDir, toSandboxName(name), toEpochMs(since));
  if (options.json === true) printJson(context, { items: view.items });
  else for (const { name } of view.items) print(context, `${name} will be removed once no work is running in it`);
  return EXIT.ok;
}

function renderHeld({ items, removals, of }: HeldView, width: number): string {
  const rows = items.map(({ name, because, since }) => [name, renderTime(toEpochMs(since)), because]);
  return `${removals} of ${of} sandboxes would be removed.\n${renderTable(["NAME", "WAITS-SINCE", "WHY"], rows, { width })}`;
}
