// `openclaw sandbox plan`: what the loop would do, step by step, now or with another config file. Changes nothing.
// The forecast is the controller's; the file is read here, as the person who asks.
import { readConfigSources } from "../../api/config/load.ts";
import type { ConfigSources } from "../../api/config/sources.ts";
import { OperationError } from "../../api/errors.ts";
import { renderIssue } from "../../api/issue.ts";
import { toSafeLine } from "../../api/safe-text.ts";
import type { ConfigTexts, PlanView } from "../../api/wire.ts";
import { AdminClient } from "../admin-client.ts";
import { type CliContext, EXIT, type ExitCode, print, printJson, printNote } from "../context.ts";
import { type StateOptions, toAbsolute, toStateDir } from "../paths.ts";
import { indent } from "../text.ts";

export interface PlanOptions extends StateOptions {
  config?: string;
  exitCode?: boolean;
  json?: boolean;
}

export async function planSandboxes(context: CliContext, options: PlanOptions): Promise<ExitCode> {
  const client = new AdminClient(toStateDir(context, options));
  const config =
    options.config === undefined
      ? null
      : toConfigTexts(await readConfigSources(toAbsolute(context, options.config), toStateDir(context, options)));
  const view = await client.plan(config);
  if (options.json === true) printJson(context, view);
  else {
    for (const issue of view.issues) printNote(context, toSafeLine(renderIssue(issue)));
    print(context, renderPlan(view));
  }
  if (view.issues.some(({ severity }) => severity === "error")) return EXIT.failed;
  const hasWork = view.items.some(({ actions }) => actions.length > 0);
  return options.exitCode === true && hasWork ? EXIT.planned : EXIT.ok;
}

/** @throws OperationError `InvalidConfig` when a file can't be read */
function toConfigTexts({ main, files }: ConfigSources): ConfigTexts {
  const texts: ConfigTexts["files"] = [];
  for (const [path, file] of files) {
    if (file.kind === "text") texts.push([path, { realPath: file.realPath, text: file.text }]);
    else if (path === main)
      throw new OperationError(
        "InvalidConfig",
        `${path} can't be read: ${file.kind === "unreadable" ? file.reason : "there is no such file"}`,
      );
    // An included file that is not there is an issue of the config, which the controller reports with its place.
  }
  return { main, files: texts };
}

export function renderPlan({ items, issues }: PlanView): string {
  if (issues.some(({ severity }) => severity === "error") && items.length === 0) return "This config is invalid: nothing would change.\n";
  const busy = items.filter(({ actions, waits }) => actions.length > 0 || waits !== undefined);
  const blocks = busy.map(({ name, because, drift, actions, waits }) => {
    const changes = drift.map(({ field, actual, desired }) => `~ ${toSafeLine(`${field}: ${actual} -> ${desired}`)}\n`).join("");
    const steps = actions.map((action, index) => `${index + 1}. ${toSafeLine(action)}\n`).join("");
    return `${name}: ${toSafeLine(because)}\n${indent(`${changes}${steps}${waits === undefined ? "" : `waits: ${toSafeLine(waits)}\n`}`)}`;
  });
  return `${blocks.join("")}${renderSummary(items)}.\n`;
}

function renderSummary(items: PlanView["items"]): string {
  const acting = items.filter(({ actions }) => actions.length > 0);
  const waiting = items.filter(({ actions, waits }) => actions.length === 0 && waits !== undefined).length;
  const rest = items.length - acting.length - waiting;
  const actions = acting.reduce((sum, one) => sum + one.actions.length, 0);
  const now = actions > 0 ? `${actions} ${actions === 1 ? "action" : "actions"} on ${acting.length} of ${items.length} sandboxes` : null;
  return [
    now ?? (waiting > 0 ? "Nothing to do now" : "Nothing to do"),
    ...(waiting > 0 ? [`${waiting} ${waiting === 1 ? "is" : "are"} waiting`] : []),
    ...(rest > 0 ? [`${rest} ${rest === 1 ? "is" : "are"} up to date`] : []),
  ].join("; ");
}
