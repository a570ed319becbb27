// Rules about what a sandbox may reach through the egress proxy: a list beside a network of its own, and proxies that a person names.
// Whether a destination is on the list is the proxy's to say (api/egress).
import { type EffectiveSandbox, toConfigKey } from "./effective.ts";
import { EGRESS_ENV } from "./egress.ts";
import type { Reporter } from "./reporter.ts";

export function checkEgress(sandbox: EffectiveSandbox, reporter: Reporter): void {
  if (sandbox.egress === null) return;
  const { network } = sandbox.docker;
  if (network !== "none")
    reporter.addFor(sandbox, "docker.network", {
      severity: "error",
      message: `egress needs the network "none": with ${JSON.stringify(network)} the sandbox reaches everything past the list`,
      fix: "remove docker.network, or write egress: null where the list is not to count",
    });
  if (sandbox.docker.runtime !== null)
    reporter.addFor(sandbox, "docker.runtime", {
      severity: "warning",
      message: `egress works only with a runtime that shares the host's network stack, such as runc: with ${JSON.stringify(sandbox.docker.runtime)} nothing may be reached`,
      fix: "remove docker.runtime, or egress",
    });
  for (const name of Object.keys(EGRESS_ENV)) {
    const key = `docker.env.${name}`;
    if (sandbox.provenance.get(key)?.kind !== "config") continue;
    reporter.addFor(sandbox, key, {
      severity: "warning",
      message: `it takes the place of ${JSON.stringify(EGRESS_ENV[name])}, by which programs find the egress proxy`,
      fix: `remove ${toConfigKey(sandbox, key)}, unless programs are to be told otherwise`,
    });
  }
}
