// `openclaw config patch`: makes an edit of the config that was prepared elsewhere, mostly in the Control UI, where its secrets and comments were
// placeholders. Every line that it changes must be as the edit expects it; what comes out is checked as any other edit is.
// What the diff looks like is api/config/line-diff.ts's, what is hidden api/config/hidden-text.ts's.
import { hideText, restoreText } from "../../api/config/hidden-text.ts";
import { applyChanges, parseChanges } from "../../api/config/line-diff.ts";
import { CONFIG_BYTES_MAX } from "../../api/config/text.ts";
import { OperationError } from "../../api/errors.ts";
import { renderIssue } from "../../api/issue.ts";
import { toSafeLine } from "../../api/safe-text.ts";
import { openConfigFile, saveConfigFile, toInvalidConfig } from "../config-file.ts";
import { type CliContext, EXIT, type ExitCode, print, printNote } from "../context.ts";
import type { ConfigOptions } from "../paths.ts";

/** Every line of the largest config replaced by another one. */
const DIFF_LENGTH_MAX = 4 * CONFIG_BYTES_MAX;
const PREPARE = "prepare it in the Control UI under Config, or change single values with: openclaw config set";

export async function patchConfig(context: CliContext, options: ConfigOptions): Promise<ExitCode> {
  const changes = parseChanges(await readDiff(context));
  if (changes === null)
    throw new OperationError("InvalidArgument", "stdin is no diff of the config without context lines", { fix: PREPARE });
  const file = await openConfigFile(context, options);
  if (file.text === null) throw new OperationError("NotFound", `there is no config file ${file.path}`);
  const hiding = hideText(file.path, file.text);
  if (!hiding.ok) throw toInvalidConfig(hiding.issue);
  const applied = applyChanges(hiding.hidden.text, changes);
  if (!applied.ok)
    throw new OperationError("InvalidArgument", `${file.path} is not the file that this edit was made for: ${applied.message}`, {
      fix: "make the edit anew from the file as it is now",
    });
  const restored = restoreText(file.path, hiding.hidden, applied.text);
  if (!restored.ok) throw new OperationError("InvalidConfig", restored.issues.map((issue) => toSafeLine(renderIssue(issue))).join("\n"));
  for (const issue of await saveConfigFile(file, restored.text)) printNote(context, toSafeLine(renderIssue(issue)));
  print(context, `${file.path}: ${applied.lines} ${applied.lines === 1 ? "line" : "lines"} changed`);
  return EXIT.ok;
}

async function readDiff({ stdin }: CliContext): Promise<string> {
  if (stdin.isTTY === true) throw new OperationError("InvalidArgument", "the diff is expected on stdin", { fix: PREPARE });
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stdin) {
    text += typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true });
    if (text.length > DIFF_LENGTH_MAX) throw new OperationError("PayloadTooLarge", "the diff is larger than any config");
  }
  return text;
}
