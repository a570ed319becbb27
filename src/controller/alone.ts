// What can be said without a controller: the doctor's look at this machine, and what the config alone explains. Reads; makes nothing that stays.
// The same judgements as in a controller: only who asks is different.
import { realpath } from "node:fs/promises";
import { type EpochMs, type InstanceId, toInstanceId } from "../api/brands.ts";
import type { Config, HostFolders } from "../api/config/config.ts";
import { loadConfig } from "../api/config/load.ts";
import { OperationError } from "../api/errors.ts";
import { type Parsed, renderIssue } from "../api/issue.ts";
import { toDefaultInstance } from "../api/names.ts";
import { createSessionObjects } from "../api/store/session-store.ts";
import type { DoctorView, ExplainView } from "../api/wire.ts";
import type { Owner } from "./decide/spec.ts";
import { examine } from "./doctor/examine.ts";
import type { ExplainQuery } from "./doors/admin-views.ts";
import { connectDocker } from "./engine/connect.ts";
import { explain, findSubject } from "./explain.ts";
import { parseExplainQuery, toExplained } from "./explain-query.ts";

export interface AloneOptions {
  /** Absolute; it need not be there. */
  stateDir: string;
  /** Absolute. */
  configPath: string;
  /** Home folder of the user. */
  home: string;
  /** Absent: derived from the state folder's path. */
  instance?: string;
}

/** What only a process knows. */
export interface AloneHost {
  variables: Readonly<Record<string, string | undefined>>;
  owner: Owner;
  now(): EpochMs;
}

interface Loaded {
  instance: InstanceId;
  folders: HostFolders;
  config: Parsed<Config>;
}

/** As a controller would see it that starts now. */
async function load(options: AloneOptions, { variables, owner }: AloneHost): Promise<Loaded> {
  const stateDir = await realpath(options.stateDir).catch(() => options.stateDir);
  const folders = { stateDir, home: options.home };
  const instance = options.instance === undefined ? toDefaultInstance(stateDir) : toInstanceId(options.instance);
  return { instance, folders, config: await loadConfig(options.configPath, { ...folders, variables, trustedOwners: [owner.uid, 0] }) };
}

export async function doctorAlone(options: AloneOptions, host: AloneHost): Promise<DoctorView> {
  const { instance, folders, config } = await load(options, host);
  const findings = await examine(
    {
      now: host.now,
      instance,
      folders,
      owner: host.owner,
      engine: () =>
        connectDocker({ instance, stateDir: folders.stateDir, environment: host.variables, home: options.home, observer: () => undefined }),
      config: config.ok ? config.value : null,
      configView: { file: options.configPath, ok: config.ok, issues: config.issues },
    },
    null,
  );
  return { findings };
}

/** @throws OperationError `InvalidConfig`; `NotFound` when the config has no such agent */
export async function explainAlone(query: ExplainQuery, options: AloneOptions, host: AloneHost): Promise<ExplainView> {
  const { instance, folders, config } = await load(options, host);
  if (!config.ok) throw new OperationError("InvalidConfig", config.issues.map(renderIssue).join("\n"), { fix: "openclaw config validate" });
  const asked = parseExplainQuery(query);
  const { objects } = await createSessionObjects(folders.stateDir, asked.agentId, host.now).list();
  const { missing, ...explained } = toExplained(asked, [...objects.values()]);
  const subject = findSubject({ instance, folders, config: config.value, held: null, ...explained });
  const because = `the container and what is next: no controller runs (openclaw controller --state-dir ${folders.stateDir})`;
  return explain(subject, { status: null, look: null, issues: config.issues, missing: [...missing, because] });
}
