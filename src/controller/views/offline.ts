// What can be said without a controller: the doctor's look at this machine, and what the config alone explains. Reads; makes nothing that stays.
// The same judgements as in a controller: only who asks is different.
import { realpath } from "node:fs/promises";
import { type EpochMs, type InstanceId, toInstanceId } from "../../api/brands.ts";
import type { Config, HostFolders } from "../../api/config/config.ts";
import { loadConfig } from "../../api/config/load.ts";
import { OperationError, renderError } from "../../api/errors.ts";
import type { ExplainView } from "../../api/explain-view.ts";
import { type Parsed, renderIssue } from "../../api/issue.ts";
import { toDefaultInstance } from "../../api/names.ts";
import type { Session } from "../../api/session.ts";
import { createSessionObjects } from "../../api/store/session-store.ts";
import type { DoctorView } from "../../api/wire.ts";
import type { Owner } from "../decide/spec.ts";
import type { SlugOf } from "../decide/wanted.ts";
import type { Engine } from "../engine/engine.ts";
import { KnownNames, toNameRecords } from "../records/known-names.ts";
import { readLedger } from "../records/ledger.ts";
import { toStatePaths } from "../records/state-paths.ts";
import { readStatuses } from "../records/status-store.ts";
import type { ExplainQuery } from "./admin-views.ts";
import { explain, findSubject } from "./explain.ts";
import { parseExplainQuery, toExplained } from "./explain-query.ts";

export interface OfflineOptions {
  /** Absolute; it need not be there. */
  stateDir: string;
  /** Absolute. */
  configPath: string;
  /** Home folder of the user. */
  home: string;
  /** Absent: derived from the state folder's path. */
  instance?: string;
}

/** Whose engine is looked for, and by which environment. */
export interface EngineQuery {
  instance: InstanceId | ((engineStateDir: string) => InstanceId);
  /** Absolute, without symbolic links. */
  stateDir: string;
  environment: OfflineHost["variables"];
  home: string;
  observer(): void;
}

/** What only a process knows. */
export interface OfflineHost {
  variables: Readonly<Record<string, string | undefined>>;
  owner: Owner;
  now(): EpochMs;
  /** Of the container that this process seems to be in. Empty: it is in none. */
  containerIds(): Promise<readonly string[]>;
  /** @throws OperationError `EngineUnreachable`, `HostRejected` */
  connect(where: EngineQuery): Promise<Engine>;
}

interface Loaded {
  folders: HostFolders;
  config: Parsed<Config>;
}

/** As a controller would see it that starts now. */
async function load(options: OfflineOptions, { variables, owner }: OfflineHost): Promise<Loaded> {
  const stateDir = await realpath(options.stateDir).catch(() => options.stateDir);
  const folders = { stateDir, home: options.home };
  return { folders, config: await loadConfig(options.configPath, { ...folders, variables, trustedOwners: [owner.uid, 0] }) };
}

/** @throws OperationError `EngineUnreachable`, `HostRejected` */
async function connect({ instance, home }: OfflineOptions, { stateDir }: HostFolders, host: OfflineHost): Promise<Engine> {
  const identify = instance === undefined ? toDefaultInstance : toInstanceId(instance);
  return await host.connect({ instance: identify, stateDir, environment: host.variables, home, observer: () => undefined });
}

export async function doctorOffline(options: OfflineOptions, host: OfflineHost): Promise<DoctorView> {
  const { examine } = await import("../doctor/examine.ts");
  const { folders, config } = await load(options, host);
  const findings = await examine(
    {
      now: host.now,
      folders,
      owner: host.owner,
      engine: async () => await connect(options, folders, host),
      config: config.ok ? config.value : null,
      configView: { file: options.configPath, ok: config.ok, issues: config.issues },
    },
    null,
  );
  return { findings };
}

/** @throws OperationError `InvalidConfig`; `NotFound` when the config has no such agent */
export async function explainOffline(query: ExplainQuery, options: OfflineOptions, host: OfflineHost): Promise<ExplainView> {
  const { folders, config } = await load(options, host);
  if (!config.ok) throw new OperationError("InvalidConfig", config.issues.map(renderIssue).join("\n"), { fix: "openclaw config validate" });
  const sessions = await listSessions(config.value.agents, folders, host);
  const isLive = new Set<string>(sessions.filter(({ spec }) => spec.endedAt === undefined).map(({ spec }) => spec.key));
  const sandboxes = await readStatuses(toStatePaths(folders.stateDir).status).catch(() => []);
  const asked = parseExplainQuery(query, { agents: config.value.agents, hasSession: (key) => isLive.has(key), sandboxes });
  const { missing, ...explained } = toExplained(asked, sessions);
  const { instance, unknown } = await findInstance(options, folders, host);
  const slugOf = instance === null ? null : await lookUpNames(instance, folders);
  const subject = findSubject({ slugOf, folders, config: config.value, held: null, ...explained });
  const alone = `the container and next actions: no controller is running (openclaw controller --state-dir ${folders.stateDir})`;
  return explain(subject, { status: null, look: null, issues: config.issues, missing: [...missing, ...unknown, alone] });
}

async function listSessions(agents: Config["agents"], { stateDir }: HostFolders, { now }: OfflineHost): Promise<Session[]> {
  const lists = await Promise.all(agents.map(({ id }) => createSessionObjects(stateDir, id, now).list()));
  return lists.flatMap(({ objects }) => [...objects.values()]);
}

/** As the controller that wrote them would name them again; where nothing is written, as a new one would. */
async function lookUpNames(instance: InstanceId, { stateDir }: HostFolders): Promise<SlugOf> {
  const paths = toStatePaths(stateDir);
  const [entries, statuses] = await Promise.all([readLedger(paths.ledger).catch(() => []), readStatuses(paths.status).catch(() => [])]);
  return new KnownNames(instance, toNameRecords(entries, statuses)).slugOf;
}

/** In a container only the engine tells: the instance is made of the name that it has for the state folder. */
async function findInstance(
  options: OfflineOptions,
  folders: HostFolders,
  host: OfflineHost,
): Promise<{ instance: InstanceId | null; unknown: string[] }> {
  if (options.instance !== undefined) return { instance: toInstanceId(options.instance), unknown: [] };
  if ((await host.containerIds()).length === 0) return { instance: toDefaultInstance(folders.stateDir), unknown: [] };
  try {
    return { instance: (await connect(options, folders, host)).instance, unknown: [] };
  } catch (error) {
    if (!(error instanceof OperationError)) throw error;
    const why = `the sandbox's name: it depends on the engine's own name for ${folders.stateDir}, and this process is in a container`;
    return { instance: null, unknown: [`${why}: ${renderError(error)}`] };
  }
}
