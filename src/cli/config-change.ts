// A change of the config as a person reviews it: what is wrong with it, what the controller would do with it, and a yes; then it is saved. The file that it
// was made from must still be as it was read. Where the new text comes from is the commands': an editor, an earlier revision.
import { findNoEffect } from "../api/config/no-effect.ts";
import { parseConfig } from "../api/config/parse.ts";
import type { ConfigSources } from "../api/config/sources.ts";
import { isErrorCode, OperationError } from "../api/errors.ts";
import { type Issue, renderIssue } from "../api/issue.ts";
import { toSafeLine } from "../api/safe-text.ts";
import type { ConfigTexts } from "../api/wire.ts";
import { AdminClient } from "./admin-client.ts";
import { renderPlan } from "./commands/sandbox-plan.ts";
import type { ConfigFile } from "./config-file.ts";
import { confirm } from "./confirm.ts";
import { type CliContext, print, printNote } from "./context.ts";

/** Errors and warnings, those that this host would raise too; errors alone where the text is invalid. */
export async function judgeChange({ environment }: ConfigFile, sources: ConfigSources): Promise<{ ok: boolean; issues: readonly Issue[] }> {
  const parsed = parseConfig(sources, environment);
  if (!parsed.ok) return { ok: false, issues: parsed.issues };
  const { runConfigCheck } = await import("../controller/main.ts");
  return {
    ok: true,
    issues: [...parsed.issues, ...findNoEffect(parsed.value, environment), ...(await runConfigCheck(parsed.value, environment))],
  };
}

export function printIssues(context: CliContext, issues: readonly Issue[]): void {
  for (const issue of issues) printNote(context, toSafeLine(renderIssue(issue)));
}

/** What the controller would do. Without one there is nothing to show, which is said. */
export async function showPlan(context: CliContext, stateDir: string, sources: ConfigSources): Promise<void> {
  try {
    print(context, renderPlan(await new AdminClient(stateDir).plan(toTexts(sources))));
  } catch (error) {
    if (!isErrorCode(error, "ControllerUnreachable")) throw error;
    printNote(context, "openclaw: no controller is running, so there is no plan to show; it applies the config when it starts");
  }
}

function toTexts({ main, files }: ConfigSources): ConfigTexts {
  const texts = [...files].flatMap(([path, file]): ConfigTexts["files"] =>
    file.kind === "text" ? [[path, { realPath: file.realPath, text: file.text }]] : [],
  );
  return { main, files: texts };
}

/** @throws OperationError `InvalidArgument`: there is nobody to ask, and no `--yes` */
export async function isAccepted(
  context: CliContext,
  { question, yes, command }: { question: string; yes: boolean; command: string },
): Promise<boolean> {
  if (yes) return true;
  if (context.stdin.isTTY !== true)
    throw new OperationError("InvalidArgument", "there is no terminal to ask for confirmation", { fix: `${command} --yes` });
  return await confirm(context, question);
}
