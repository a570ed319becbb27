// Remembers the final form of each sandbox's container for as long as what it is made from stays the same: ten thousand looks that find
// nothing new must not hash ten thousand specs. It decides nothing; decide/spec.ts makes what is remembered.
import { type HashedSpec, type SpecFacts, toHashedSpec } from "../decide/spec.ts";
import type { DesiredSandbox } from "../decide/types.ts";

interface Remembered extends HashedSpec {
  facts: string;
}

export class SpecMemo {
  /** Lives as long as the desired sandbox: each new config or listing of sessions makes new ones. */
  readonly #made = new WeakMap<DesiredSandbox, Remembered>();

  /** As `toHashedSpec`. */
  readonly make: typeof toHashedSpec = (desired, facts) => {
    const key = renderFacts(facts);
    const known = this.#made.get(desired);
    if (known?.facts === key) return known;
    const made = { ...toHashedSpec(desired, facts), facts: key };
    this.#made.set(desired, made);
    return made;
  };
}

/** Everything of the host that a spec depends on; the profile's text stands for itself. */
function renderFacts({ workspace, image, seccomp, controller }: SpecFacts): string {
  const owner = workspace.kind === "ready" ? `${workspace.uid}:${workspace.gid}` : workspace.kind;
  const [user, volumes] = image.kind === "found" ? [image.user, image.volumes ?? []] : ["", []];
  return `${owner} ${user} ${JSON.stringify(volumes)} ${controller.uid}:${controller.gid} ${seccomp.kind === "content" ? seccomp.text : seccomp.kind}`;
}
