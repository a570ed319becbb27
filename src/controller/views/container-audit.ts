// Gathers what an audit of the engine's OpenClaw containers is made from: the engine's survey, the ledger, the config, the host's folders.
// What is wrong is decide/container-audit.ts's to say. It changes nothing.
import { lstat } from "node:fs/promises";
import type { EpochMs, InstanceId } from "../../api/brands.ts";
import type { HostFolders } from "../../api/config/config.ts";
import { errnoOf } from "../../api/errno.ts";
import type { AuditedContainer } from "../../api/wire.ts";
import { auditContainers } from "../decide/container-audit.ts";
import type { Engine } from "../engine/engine.ts";
import type { Ledger } from "../records/ledger.ts";
import type { DesiredState } from "../sources/desired-state.ts";

export interface AuditParts {
  now(): EpochMs;
  instance: InstanceId;
  folders: HostFolders;
  engine: Engine;
  ledger: Ledger;
  /** Of the containers of the egress. */
  egressLedger: Ledger;
  desired: DesiredState;
}

/** @throws OperationError when the engine can't be asked */
export async function auditEngine({
  now,
  instance,
  folders,
  engine,
  ledger,
  egressLedger,
  desired,
}: AuditParts): Promise<AuditedContainer[]> {
  const all = await engine.survey();
  const sources = [...new Set(all.flatMap(({ binds }) => binds.map(({ source }) => source)))];
  const missing = await Promise.all(sources.map(async (source) => ((await isMissing(source)) ? [source] : [])));
  return auditContainers(all, {
    now: now(),
    instance,
    folders,
    isOurs: (id) => [ledger, egressLedger].some((one) => one.byContainerId(id) !== undefined),
    agents: new Set(desired.agents.map(({ id }) => id)),
    missingSources: new Set(missing.flat()),
  });
}

/** What can't be looked at may be there. */
const isMissing = async (path: string): Promise<boolean> =>
  await lstat(path).then(
    () => false,
    (error: unknown) => errnoOf(error) === "ENOENT",
  );
