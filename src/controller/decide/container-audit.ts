// Decides what is wrong with a container that claims to be an OpenClaw sandbox or to keep the egress of some, whoever created it, and how to fix it. Pure.
// It judges observations and changes nothing; this controller's own containers are repaired by the loop, not by hand.
import { type AgentId, type ContainerId, DAY_MS, type EpochMs, elapsed, type InstanceId, MINUTE_MS, toScopeKey } from "../../api/brands.ts";
import { refusedBindSource } from "../../api/config/bind-source.ts";
import type { HostFolders } from "../../api/config/config.ts";
import { NO_SANDBOX_FOLDERS } from "../../api/config/sandbox-folders.ts";
import { SANDBOX_DEFAULTS } from "../../api/config/schema-sandbox.ts";
import { LABEL } from "../../api/labels.ts";
import { PENDING_SUFFIX, toAgentOfKey } from "../../api/names.ts";
import type { AuditedContainer, AuditFinding } from "../../api/wire.ts";
import type { Surveyed } from "./observation.ts";

/** A setup may take 15 minutes. */
const MAKING_MS_MAX = 20 * MINUTE_MS;
const AGE_MS_MAX = SANDBOX_DEFAULTS.prune.maxAgeDays * DAY_MS;

export interface AuditFacts {
  now: EpochMs;
  instance: InstanceId;
  folders: HostFolders;
  /** Whether it is in this controller's ledgers. */
  isOurs(id: ContainerId): boolean;
  /** Configured here. */
  agents: ReadonlySet<AgentId>;
  /** Bind sources that the host does not have. */
  missingSources: ReadonlySet<string>;
}

export function auditContainers(all: readonly Surveyed[], facts: AuditFacts): AuditedContainer[] {
  return all
    .toSorted((left, right) => (left.name < right.name ? -1 : 1))
    .map((one) => ({
      id: one.id,
      name: one.name,
      owner: ownerOf(one, facts),
      scopeKey: scopeOf(one),
      image: one.image,
      state: one.state,
      createdAt: one.createdAt,
      findings: findingsOf(one, all, facts),
    }));
}

const scopeOf = ({ labels }: Surveyed): string => labels[LABEL.scopeKey] ?? "";
const instanceOf = ({ labels }: Surveyed): string => labels[LABEL.instance] ?? "";
const isOwn = (one: Surveyed, { instance, isOurs }: AuditFacts): boolean => instanceOf(one) === instance && isOurs(one.id);

function ownerOf(one: Surveyed, facts: AuditFacts): string {
  if (isOwn(one, facts)) return "this controller";
  const instance = instanceOf(one);
  if (instance === "") return "another program";
  return instance === facts.instance ? "nobody known" : `controller ${instance}`;
}

function findingsOf(one: Surveyed, all: readonly Surveyed[], facts: AuditFacts): AuditFinding[] {
  const own = isOwn(one, facts);
  if (one.egressDifferences !== null) return egressFindingsOf(one, one.egressDifferences, own ? [] : orphanedOf(one, facts));
  const found = [...dangersOf(one, facts), ...(own ? [] : [...unlimitedOf(one), ...orphanedOf(one, facts), ...staleOf(one, all, facts)])];
  // What the config of this controller says is in the config's own hands; what somebody changed by hand is drift, which the loop repairs.
  return own ? found.map((finding) => ({ ...finding, level: "note", fix: `openclaw sandbox describe ${one.name}` })) : found;
}

/** What it opens on purpose is asked for: it is compared with that. Another one is there a moment after its removal, closed until then. */
function egressFindingsOf(one: Surveyed, differences: readonly string[], others: readonly AuditFinding[]): AuditFinding[] {
  const dangers = differences.map((difference) => `it is not as it is made: ${difference}`);
  return [...dangers.map((message) => ({ kind: "dangerous", level: "warn", message, fix: removal(one) }) as const), ...others];
}

/** Names as the engine allows them need no quotes; anything else is named by its id. */
const nameFor = ({ name, id }: Surveyed): string => (/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(name) ? name : id);
const removal = (one: Surveyed): string => `docker rm -f ${nameFor(one)}`;

function dangersOf(one: Surveyed, facts: AuditFacts): AuditFinding[] {
  const messages: string[] = [];
  if (one.privileged) messages.push("it is privileged: whoever runs in it controls the host");
  for (const shared of one.sharedNamespaces) messages.push(`it shares a namespace: ${shared}`);
  for (const { source, target, readOnly } of one.binds) {
    const context = { ...facts.folders, readOnly, workspaces: [], allowExternal: true, sandboxes: NO_SANDBOX_FOLDERS, engineSockets: [] };
    const judged = refusedBindSource(source, context);
    if (judged !== null) messages.push(`it mounts ${source} at ${target}: ${judged.message}`);
  }
  if (one.capAdd.length > 0) messages.push(`it has added capabilities: ${one.capAdd.join(", ")}`);
  if (one.devices.length > 0) messages.push(`it has devices of the host: ${one.devices.join(", ")}`);
  if (one.unconfined.length > 0) messages.push(`it runs without ${one.unconfined.map((name) => PROFILES[name] ?? name).join(" and ")}`);
  if (!one.noNewPrivileges) messages.push("its processes may gain privileges (no no-new-privileges)");
  if (isRoot(one.user)) messages.push("it runs as root");
  if (!one.readOnlyRoot) messages.push("its root file system is writable");
  if (one.publishedPorts.length > 0) messages.push(`other hosts reach it: ${one.publishedPorts.join(", ")}`);
  return messages.map((message) => ({ kind: "dangerous", level: "warn", message, fix: removal(one) }));
}

/** What people call what the engine's options call otherwise. */
const PROFILES: Readonly<Record<string, string>> = { apparmor: "AppArmor", label: "SELinux" };

const isRoot = (user: string): boolean => /^(?:0+|root|)(?::.*)?$/.test(user);

function unlimitedOf(one: Surveyed): AuditFinding[] {
  const found: AuditFinding[] = [];
  const add = (message: string, limit: string): void =>
    void found.push({ kind: "unlimited", level: "warn", message, fix: `docker update ${limit} ${nameFor(one)}` });
  if (one.pidsLimit === 0) add("it may start any number of processes", `--pids-limit ${SANDBOX_DEFAULTS.docker.pidsLimit}`);
  if (one.memory === null) add("it may take all memory of the host", "--memory 1g --memory-swap 1g");
  return found;
}

function orphanedOf(one: Surveyed, { instance, agents, missingSources }: AuditFacts): AuditFinding[] {
  const found: AuditFinding[] = [];
  const add = (level: AuditFinding["level"], message: string): void =>
    void found.push({ kind: "orphaned", level, message, fix: removal(one) });
  if (instanceOf(one) === instance) add("warn", "it carries this controller's labels but was not created by it");
  for (const { source } of one.binds.filter((bind) => missingSources.has(bind.source))) add("warn", `its folder ${source} is gone`);
  const agentId = toAgentOfKey(toScopeKey(scopeOf(one)));
  if (instanceOf(one) === "" && agentId !== null && !agents.has(agentId))
    add("note", `the config of this controller has no agent ${agentId}`);
  return found;
}

function staleOf(one: Surveyed, all: readonly Surveyed[], { now }: AuditFacts): AuditFinding[] {
  const found: AuditFinding[] = [];
  const age = one.createdAt === null ? 0 : elapsed(one.createdAt, now);
  const add = (kind: AuditFinding["kind"], message: string): void => void found.push({ kind, level: "warn", message, fix: removal(one) });
  const isNamedPending = one.name.endsWith(PENDING_SUFFIX);
  if (age > MAKING_MS_MAX && (one.state === "created" || isNamedPending))
    add("half-made", isNamedPending ? "it has been pending for more than 20 minutes" : "it was created but never started");
  else if (one.state === "exited" || one.state === "dead") add("stale", `it is not running (${one.state})`);
  if (age > AGE_MS_MAX) add("stale", `it is ${Math.floor(age / DAY_MS)} days old; sandboxes are replaced after ${AGE_MS_MAX / DAY_MS}`);
  const newer = all.find((other) => isSuccessor(one, other));
  if (newer !== undefined) add("stale", `${newer.name} is newer, has the same session key and a different config`);
  return found;
}

function isSuccessor(one: Surveyed, other: Surveyed): boolean {
  const same = (key: string): boolean => one.labels[key] === other.labels[key];
  return (
    scopeOf(one) !== "" &&
    same(LABEL.scopeKey) &&
    same(LABEL.instance) &&
    same(LABEL.kind) &&
    !same(LABEL.configHash) &&
    (other.createdAt ?? 0) > (one.createdAt ?? 0)
  );
}
