// `openclaw sandbox explain`: what is in force for a session or agent, where each value comes from, and what to change.
// The answer is the controller's; this file lays it out.

import { findCondition } from "../../api/condition.ts";
import { renderIssue } from "../../api/issue.ts";
import type { ExplainView } from "../../api/wire.ts";
import { AdminClient } from "../admin-client.ts";
import { type CliContext, EXIT, type ExitCode, print, printJson } from "../context.ts";
import { type StateOptions, toStateDir } from "../paths.ts";
import { expandSessionKey } from "../sandbox-name.ts";
import { indent, renderFields, renderTable, toSafeLine } from "../text.ts";

export async function explainSandbox(
  context: CliContext,
  options: StateOptions & { session?: string; agent?: string; json?: boolean },
): Promise<ExitCode> {
  const client = new AdminClient(toStateDir(context, options));
  const session =
    options.session === undefined ? (options.agent === undefined ? "agent:main:main" : null) : expandSessionKey(options.session);
  const view = await client.explain({ session, agent: options.agent ?? null });
  if (options.json === true) printJson(context, view);
  else print(context, renderExplain(view));
  return EXIT.ok;
}

function renderExplain(view: ExplainView): string {
  const { sandbox } = view;
  const status = sandbox?.status ?? null;
  const ready = status === null ? undefined : findCondition(status.status.conditions, "Ready");
  const facts = renderFields([
    ["Agent", view.agentId],
    ["Session", view.sessionKey ?? ""],
    ["Sandboxed", `${view.sandboxed ? "yes" : "no"}: ${view.because}`],
    ["Sandbox", sandbox === null ? "" : sandbox.name],
    ["Scope", sandbox === null ? "" : `${sandbox.scope} (${sandbox.scopeKey})`],
    ["Container", sandbox === null ? "" : status?.status.container == null ? "none now" : status.status.container.id],
    ["Ready", ready === undefined ? "" : `${ready.status}: ${ready.message}`],
  ]);
  const sections: readonly (readonly [string, string])[] = [
    [
      "Values",
      view.values.length === 0
        ? ""
        : renderTable(
            ["KEY", "VALUE", "FROM"],
            view.values.map(({ key, value, source }) => [key, value, source]),
          ),
    ],
    [
      "Mounts",
      view.mounts.length === 0
        ? ""
        : renderTable(
            ["TARGET", "ACCESS", "KIND", "SOURCE"],
            view.mounts.map(({ target, access, kind, source }) => [target, access, kind, source]),
          ),
    ],
    [
      "Tools",
      view.tools.length === 0
        ? ""
        : renderTable(
            ["TOOL", "ALLOWED", "RULE", "FROM", "TO CHANGE IT"],
            view.tools.map(({ tool, allowed, rule, source, fix }) => [tool, allowed ? "yes" : "no", rule, source, fix ?? ""]),
          ),
    ],
    ["Next", view.next.map((line) => `${toSafeLine(line)}\n`).join("")],
    ["Warnings", view.warnings.map((issue) => `${toSafeLine(renderIssue(issue))}\n`).join("")],
  ];
  return `${facts}${sections
    .filter(([, text]) => text !== "")
    .map(([title, text]) => `${title}:\n${indent(text)}`)
    .join("")}`;
}
