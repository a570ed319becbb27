// Says why a session's or an agent's sandbox is as it is: every value with the place it comes from, mounts, tools, live state, what is next.
// It shows what the resolvers of `api` and the decisions say and decides nothing itself; looking at the engine is the caller's.
import { type AgentId, type DurationMs, later, type SandboxName } from "../../api/brands.ts";
import { type Agent, type Config, findAgent, type HostFolders } from "../../api/config/config.ts";
import { type EffectiveSandbox, resolveSandbox, toConfigKey } from "../../api/config/effective.ts";
import { isSandboxed, toSessionScope } from "../../api/config/sandboxed.ts";
import { OperationError } from "../../api/errors.ts";
import type { ExplainView, LiveView } from "../../api/explain-view.ts";
import type { Issue } from "../../api/issue.ts";
import type { Sandbox } from "../../api/sandbox.ts";
import type { Session } from "../../api/session.ts";
import { decideOnHost, decideTools, toToolPolicy } from "../../api/tool-policy.ts";
import { forecast } from "../decide/forecast.ts";
import { findImageVolumes, toVolumeTmpfs } from "../decide/image-volumes.ts";
import type { ImageFact } from "../decide/observation.ts";
import { renderAction } from "../decide/render.ts";
import { AGENT_MOUNT_TARGET, toMounts } from "../decide/spec.ts";
import { renderNext } from "../decide/status.ts";
import type { OwnedContainer, PlanInput } from "../decide/types.ts";
import { type SlugOf, toDesired, toScopeKeyOf } from "../decide/wanted.ts";
import { explainSource, explainValues } from "./explain-values.ts";
import type { GivenSandbox } from "./named-sandbox.ts";

type SessionFacts = Pick<Session["spec"], "key" | "kind" | "agentId">;

export interface SubjectInputs {
  /** null: it can't be told, and so neither can names. */
  slugOf: SlugOf | null;
  config: Config;
  folders: HostFolders;
  agentId: AgentId;
  /** What is known of the session; only its key when it has no file. null: the agent is meant, as its main session sees it. */
  session: SessionFacts | null;
  /** A sandbox of the agent whose removal waits for a person. null: there is none. */
  held: string | null;
}

/** Who is explained, and the sandbox that the config gives to it. */
export interface Subject extends SubjectInputs {
  agent: Agent;
  sandbox: EffectiveSandbox;
  isSandboxed: boolean;
  scope: EffectiveSandbox["scope"];
  scopeKey: ReturnType<typeof toScopeKeyOf>;
}

/** @throws OperationError `NotFound` when the config has no such agent */
export function findSubject(inputs: SubjectInputs): Subject {
  const { config, agentId, folders } = inputs;
  const agent = findAgent(config, agentId);
  if (agent === undefined) {
    const message = `the config has no agent "${agentId}"`;
    if (inputs.held !== null)
      throw new OperationError("NotFound", `${message}; its sandbox still exists, and its removal is awaiting approval`, {
        fix: `openclaw sandbox describe ${inputs.held}, then restore the agent, or run: openclaw sandbox approve`,
      });
    throw new OperationError("NotFound", message, { fix: `configured agents: ${config.agents.map(({ id }) => id).join(", ")}` });
  }
  const sandbox = resolveSandbox(config, agent, folders);
  const session = sessionOf(inputs);
  const scope = toSessionScope(sandbox.scope, session);
  const scopeKey = toScopeKeyOf(scope, agentId, session.key);
  return { ...inputs, agent, sandbox, isSandboxed: isSandboxed(sandbox.mode, session), scope, scopeKey };
}

/** Of its sandbox's container. */
export function nameOf({ sandbox, agent, scope, scopeKey }: Subject, slugOf: SlugOf): SandboxName {
  return toDesired(slugOf, { id: agent.id, sandbox }, scope, scopeKey).name;
}

const sessionOf = ({ session, agentId }: SubjectInputs): SessionFacts =>
  session ?? { key: `agent:${agentId}:main` as SessionFacts["key"], agentId, kind: "main" };

export function toGivenSandbox(subject: Subject): GivenSandbox {
  const { scopeKey, isSandboxed: yes, sandbox } = subject;
  return { scopeKey, isSandboxed: yes, because: becauseOf(subject), fix: toSandboxedFix(sandbox) };
}

const toSandboxedFix = (sandbox: EffectiveSandbox): string => `to sandbox it, set ${toConfigKey(sandbox, "mode")} to "all"`;

/** What is known of the subject beside the config. */
export interface SubjectFacts {
  /** As last written down. null: there is no such sandbox. */
  status: Sandbox | null;
  /** What a pass would see now. null: nobody looked, or the look failed. */
  look: { input: PlanInput; uses: number } | null;
  /** What could not be looked at, and why. */
  missing: readonly string[];
  issues: readonly Issue[];
}

export function explain(subject: Subject, { status, look, missing, issues }: SubjectFacts): ExplainView {
  const { config, agentId, sandbox, scope, scopeKey, slugOf } = subject;
  const name = slugOf === null ? null : nameOf(subject, slugOf);
  return {
    config: config.file,
    agentId,
    sessionKey: subject.session?.key ?? null,
    sandboxed: subject.isSandboxed,
    because: becauseOf(subject),
    sandbox: subject.isSandboxed ? { name, scope, scopeKey, status, live: liveOf(subject, look) } : null,
    values: explainValues(config, sandbox),
    ignored: sandbox.ignored.map((key) => ({ key, because: 'the scope is "shared", so only agents.defaults.sandbox counts' })),
    mounts: subject.isSandboxed ? [...mountsOf(subject), ...volumesOf(subject, look?.input.image ?? null)] : [],
    tools: toolsOf(subject),
    next: nextOf(subject, status, look?.input ?? null),
    warnings: issues.filter((issue) => concerns(subject, issue)),
    missing: [...missing],
  };
}

function becauseOf({ sandbox, config, isSandboxed: yes, ...inputs }: Subject): string {
  const { source, at } = explainSource(config, sandbox.provenance.get("mode"));
  const place = at === null ? source : `${source} at ${at}`;
  if (sessionOf({ config, ...inputs }).kind === "mcp") return "MCP sessions are always sandboxed, each in its own sandbox";
  if (yes || sandbox.mode === "off") return `sandbox.mode is ${sandbox.mode} (${place})`;
  return `sandbox.mode is non-main (${place}) and this is the agent's main session`;
}

function liveOf({ sandbox }: Subject, look: SubjectFacts["look"]): LiveView {
  if (look === null) return { kind: "unknown" };
  const { input, uses } = look;
  const [container] = input.containers.toSorted((left, right) => rankOf(left) - rankOf(right));
  if (container === undefined) return { kind: "none" };
  const { observation, inUse } = container;
  const hotUntil = input.lastUsedAt === null ? null : later(input.lastUsedAt, sandbox.rollout.hotWindow as DurationMs);
  return {
    kind: "container",
    state: observation.state,
    isPending: observation.stage === "pending",
    startedAt: observation.startedAt,
    user: observation.created.user,
    inUse: renderUse(inUse, uses),
    lastUsedAt: input.lastUsedAt,
    hotUntil: hotUntil !== null && hotUntil > input.now ? hotUntil : null,
  };
}

/** What serves, or did, before what is being made. */
const rankOf = ({ observation }: OwnedContainer): number => (observation.stage === "pending" ? 1 : 0);

function renderUse(inUse: "yes" | "no" | "unknown", uses: number): string | null {
  if (uses > 0) return `${uses} ${uses === 1 ? "command or stream" : "commands or streams"} through the controller`;
  if (inUse === "yes") return "a command started outside the controller";
  return inUse === "unknown" ? "use can't be determined, which counts as in use" : null;
}

/** What is named after it is not shown. */
const NO_SLUG: SlugOf = () => "";

function mountsOf(subject: Subject): ExplainView["mounts"] {
  const { slugOf, agentId, sandbox, scope, scopeKey, config } = subject;
  const { workspace, agentDir, settings } = toDesired(slugOf ?? NO_SLUG, { id: agentId, sandbox }, scope, scopeKey);
  const isNamed = slugOf !== null || workspace.purpose === "agent" || scope === "shared";
  const because = (key: string): string => explainSource(config, sandbox.provenance.get(key)).source;
  const access = `workspaceAccess ${sandbox.workspaceAccess} (${because("workspaceAccess")})`;
  const purpose = workspace.purpose === "agent" ? "the agent's workspace" : `the workspace of scope ${scope}`;
  const mounts: ExplainView["mounts"] = [
    { source: isNamed ? workspace.dir : null, target: settings.docker.workdir, access: "rw", because: `${purpose}: ${access}` },
  ];
  if (agentDir !== null)
    mounts.push({ source: agentDir, target: AGENT_MOUNT_TARGET, access: "ro", because: `the agent's workspace: ${access}` });
  for (const [index, { source, target, readOnly }] of settings.docker.binds.entries())
    mounts.push({ source, target, access: readOnly ? "ro" : "rw", because: because(`docker.binds[${index}]`) });
  return mounts;
}

/** Volumes that the image declares. */
function volumesOf({ slugOf, agentId, sandbox, scope, scopeKey }: Subject, image: ImageFact | null): ExplainView["mounts"] {
  const desired = toDesired(slugOf ?? NO_SLUG, { id: agentId, sandbox }, scope, scopeKey);
  const { tmpfs, readOnlyRoot } = desired.settings.docker;
  const [source, because] = readOnlyRoot
    ? ["tmpfs", `a volume that the image declares, in memory and empty at first, ${toVolumeTmpfs("").options}: docker.readOnlyRoot`]
    : ["a volume of the engine", "the image declares it; without a limit, and gone with the container"];
  return findImageVolumes(image, { tmpfs, mounts: toMounts(desired) }).map((target) => ({ source, target, access: "rw", because }));
}

function toolsOf({ config, agentId, sandbox, isSandboxed: yes }: Subject): ExplainView["tools"] {
  const decisions = decideTools(toToolPolicy(config, { agentId, sandbox: yes ? sandbox : null }));
  return yes ? [...decisions] : decisions.map((decision) => decideOnHost(config, agentId, decision));
}

/** Steps that are due, then what waits and until when, then what only a person can change. */
function nextOf({ sandbox, isSandboxed: yes }: Subject, status: Sandbox | null, input: PlanInput | null): string[] {
  const known = input === null ? [...(status?.status.next ?? [])] : nextSteps(input);
  // What is left of a sandbox that the config does not want any more has a next step too.
  if (!yes) return [...known, toSandboxedFix(sandbox)];
  if (input === null || known.length > 0 || input.want.kind === "wanted") return known;
  return [`the sandbox is created when a session uses it; to keep it at all times, set ${toConfigKey(sandbox, "start")} to "eager"`];
}

function nextSteps(input: PlanInput): string[] {
  const { actions, rest } = forecast(input);
  return [...actions.map((action) => `now: ${renderAction(action)}`), ...renderNext(input, rest)];
}

/** Of other agents' own blocks nothing is said. */
function concerns({ agent, config }: Subject, { path }: Issue): boolean {
  const isOf = (other: Agent): boolean => other.path !== null && (path === other.path || path.startsWith(`${other.path}.`));
  return isOf(agent) || !config.agents.some(isOf);
}
