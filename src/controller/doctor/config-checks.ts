// Judges the config and what it names: whether it is in force, its issues, and whether its images are on the engine. Pure.
// What the config's issues are is api/config's to say.

import { type Finding, fail, ok, warn } from "../../api/finding.ts";
import { type Issue, renderIssue } from "../../api/issue.ts";
import type { ConfigView } from "../../api/wire.ts";
import { imageFix } from "../decide/blocker.ts";

/** More would hide the rest of the page; `config validate` shows all. */
const ISSUES_SHOWN_MAX = 5;

export function judgeConfig({ file, ok: isValid, issues }: Pick<ConfigView, "file" | "ok" | "issues">): Finding[] {
  const validate = `openclaw config validate --config ${file}`;
  const toFinding = (issue: Issue): Finding => {
    const { fix, ...rest } = issue;
    return issue.severity === "error"
      ? fail("config", renderIssue(rest), fix ?? validate)
      : warn("config", renderIssue(rest), fix ?? validate);
  };
  const shown = issues.toSorted((left, right) => (left.severity < right.severity ? -1 : left.severity > right.severity ? 1 : 0));
  const more = issues.length - ISSUES_SHOWN_MAX;
  const findings = shown.slice(0, ISSUES_SHOWN_MAX).map(toFinding);
  if (more > 0) findings.push(warn("config", `${more} more issue${more === 1 ? "" : "s"}`, validate));
  return isValid ? [ok("config", `${file} is valid`), ...findings] : findings;
}

export interface NamedImage {
  reference: string;
  /** Agents whose sandboxes are made from it. */
  agents: readonly string[];
  /** Whether a sandbox that the config asks for needs it; otherwise only MCP sessions, and a config that sandboxes more. */
  needed: boolean;
  present: boolean;
}

export function judgeImages(images: readonly NamedImage[]): Finding[] {
  return images.map(({ reference, agents, needed, present }) => {
    if (present) return ok("images", `${reference} is there`);
    const message = `${reference} is not on this engine; agent ${agents.join(", ")} needs it`;
    return needed ? fail("images", message, imageFix(reference)) : warn("images", `${message} once it is sandboxed`, imageFix(reference));
  });
}
