// `openclaw models set`: writes the model that answers into the config file, as `openclaw config set` writes any value, and says what is still missing.
// A running controller and gateway notice by themselves; nobody is asked here.
import { renderIssue } from "../../api/issue.ts";
import { renderReference } from "../../api/models/reference.ts";
import { toSafeLine } from "../../api/safe-text.ts";
import { openConfigFile } from "../config-file.ts";
import { type CliContext, EXIT, type ExitCode, print, printNote } from "../context.ts";
import { setModelInConfig } from "../model-config.ts";
import type { ConfigOptions } from "../paths.ts";

export async function setModel(context: CliContext, model: string, options: ConfigOptions & { agent?: string }): Promise<ExitCode> {
  const file = await openConfigFile(context, options);
  const { target, path, isSame, issues } = await setModelInConfig(file, { model, agentId: options.agent ?? null });
  for (const issue of issues) printNote(context, toSafeLine(renderIssue(issue)));
  print(context, isSame ? `${file.path} already has that value` : `${file.path}: ${path} is ${renderReference(target)}`);
  if (!target.isSelfHosted) print(context, "who is signed in there: openclaw models status");
  return EXIT.ok;
}
