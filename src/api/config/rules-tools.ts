// Rules about tool lists: a name that is nearly a known tool's is probably a mistake, which in `deny` is dangerous.
import { isKnownToolWord, TOOL_WORDS } from "../tool-policy.ts";
import type { Reporter } from "./reporter.ts";
import type { ToolSettings } from "./schema.ts";
import { findNearest } from "./suggest.ts";

/** `prefix` is the key path before `tools`: empty, or an agent's with a dot. */
export function checkToolLists(prefix: string, tools: ToolSettings, reporter: Reporter): void {
  checkList(`${prefix}tools.allow`, tools.allow, reporter);
  checkList(`${prefix}tools.deny`, tools.deny, reporter);
  const sandboxed = tools.sandbox?.tools;
  checkList(`${prefix}tools.sandbox.tools.allow`, sandboxed?.allow, reporter);
  checkList(`${prefix}tools.sandbox.tools.alsoAllow`, sandboxed?.alsoAllow, reporter);
  checkList(`${prefix}tools.sandbox.tools.deny`, sandboxed?.deny, reporter);
  const host = tools.exec?.host;
  if (host === "node" || host === "auto")
    reporter.add(`${prefix}tools.exec.host`, {
      severity: "warning",
      message: `"${host}" is treated as "sandbox": tools run in a sandbox or, with "gateway", on this host`,
    });
}

/** Plugins bring tools of their own, so an unknown name is fine unless it is nearly a known one or an unknown group. */
function checkList(path: string, words: readonly string[] | undefined, reporter: Reporter): void {
  for (const [index, word] of (words ?? []).entries()) {
    if (isKnownToolWord(word) || word.includes("*")) continue;
    const nearest = findNearest(word, TOOL_WORDS);
    const didYouMean = nearest === undefined ? {} : { fix: `did you mean "${nearest}"?` };
    if (word.toLowerCase().startsWith("group:"))
      reporter.add(`${path}[${index}]`, { severity: "warning", message: `no such group: "${word}" matches nothing`, ...didYouMean });
    else if (nearest !== undefined)
      reporter.add(`${path}[${index}]`, { severity: "warning", message: `unknown tool: "${word}"`, ...didYouMean });
  }
}
