// Builds the egress of a controller: what keeps its proxy and relays, between desired state, the ledger of their containers and the log of what was
// decided. What it does is egress/'s.
import { toSandboxName } from "../api/brands.ts";
import type { EgressParts } from "./egress/egress.ts";
import { Egress } from "./egress/egress.ts";
import type { Loop } from "./loop/loop.ts";
import type { ControllerOptions, Opened } from "./parts.ts";
import type { EgressLog } from "./records/egress-log.ts";
import type { EgressService } from "./servers/routes-egress.ts";
import type { DesiredState } from "./sources/desired-state.ts";

export function makeEgress(
  options: ControllerOptions,
  { egressLedger, egressLog, events }: Opened,
  desired: DesiredState,
  loop: Loop,
): Egress {
  const { clock, newUid, engine, log, metrics } = options;
  const parts: EgressParts = {
    clock,
    newUid,
    engine,
    ledger: egressLedger,
    log: {
      lastOf: (run) => egressLog.lastOf(run),
      // The proxy faces the network: a name of its own invention is counted, and makes no file.
      heard: (run, record) =>
        egressLog.heard(run, record, desired.desiredOf(toSandboxName(record.sandbox))?.settings.egress?.log ?? "none"),
    },
    logger: log,
    metrics: metrics.egress,
    event: (type, reason, message) => events.record({ type, reason, message, object: { kind: "Controller", name: "egress" } }),
    isLoaded: () => desired.loaded,
    hasLists: () => desired.agents.some(({ sandbox }) => sandbox.egress !== null && sandbox.mode !== "off"),
    egressOf: (name) => desired.desiredOf(name)?.settings.egress ?? null,
    // Before the passes of all the sandboxes whose lists an edit changed: that is what they wait for.
    enqueue: (name) => loop.enqueue(name, name === engine.egress.name ? "session" : "external"),
  };
  return new Egress(parts);
}

interface Answering {
  egress: Pick<Egress, "test">;
  egressLog: EgressLog;
  desired: DesiredState;
}

/** What the admin server shows of it. */
export const toEgressService = ({ egress, egressLog, desired }: Answering): EgressService => ({
  log: egressLog,
  test: async (name, url) => {
    const result = await egress.test(name, url);
    const { rule } = result;
    const settings = desired.desiredOf(name)?.settings;
    // A list that was edited meanwhile has other rules at its places.
    if (rule === undefined || settings?.egress?.[rule.list][rule.index] !== rule.text) return result;
    const source = settings.provenance.get(`egress.${rule.list}[${rule.index}]`);
    return source?.kind === "config" ? { ...result, source: source.path, at: `${source.file}:${source.line}:${source.column}` } : result;
  },
});
