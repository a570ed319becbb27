// Judges whether the lists of what sandboxes may reach are in force, by the conditions of a running controller. Pure.
import { findCondition } from "../../api/condition.ts";
import { type Finding, ok, warn } from "../../api/finding.ts";
import type { Sandbox } from "../../api/sandbox.ts";

/** Nothing where no sandbox has a list. */
export function judgeEgress(sandboxes: readonly Pick<Sandbox, "metadata" | "status">[]): Finding[] {
  const listed = sandboxes.flatMap(({ metadata, status }) => {
    const condition = findCondition(status.conditions, "Egress");
    return condition === undefined ? [] : [{ name: metadata.name, condition }];
  });
  if (listed.length === 0) return [];
  const [closed, ...more] = listed.filter(({ condition }) => condition.status !== "True");
  if (closed === undefined)
    return [ok("egress", `${listed.length === 1 ? "the list of a sandbox is" : `the lists of ${listed.length} sandboxes are`} in force`)];
  const others = more.length === 0 ? "" : `, and ${more.length} more`;
  return [warn("egress", `${closed.name}${others}: ${closed.condition.message}`, `openclaw sandbox describe ${closed.name}`)];
}
