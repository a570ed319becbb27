// Says why a session's or an agent's sandbox is as it is: every value with the place it comes from, mounts, tools, live state, what is next.
// It shows what the resolvers of `api` and the decisions say and decides nothing itself; looking at the engine is the caller's.
import { type AgentId, type DurationMs, later, type SandboxName } from "../../api/brands.ts";
import { type Agent, type Config, findAgent, type HostFolders } from "../../api/config/config.ts";
import { type EffectiveSandbox, resolveSandbox, toConfigKey } from "../../api/config/effective.ts";
import { isSandboxed, toSessionScope } from "../../api/config/sandboxed.ts";
import { OperationError } from "../../api/errors.ts";
import type { ExplainView, LiveView } from "../../api/explain-view.ts";
import type { Issue } from "../../api/issue.ts";
import type { Sandbox, SandboxKind } from "../../api/sandbox.ts";
import type { Session } from "../../api/session.ts";
import { decideOnHost, decideTools, toToolPolicy } from "../../api/tool-policy.ts";
import { whyNoBrowser } from "../decide/browser.ts";
import { forecast } from "../decide/forecast.ts";
import { findImageVolumes, toVolumeTmpfs } from "../decide/image-volumes.ts";
import type { ImageFact } from "../decide/observation.ts";
import { renderAction } from "../decide/render.ts";
import { AGENT_MOUNT_TARGET, toMounts } from "../decide/spec.ts";
import { renderNext } from "../decide/status.ts";
import type { DesiredSandbox, OwnedContainer, PlanInput } from "../decide/types.ts";
import { type SlugOf, toDesired, toDesiredBrowser, toScopeKeyOf } from "../decide/wanted.ts";
import { explainSource, explainValues } from "./explain-values.ts";
import type { GivenSandbox } from "./named-sandbox.ts";

type SessionFacts = Pick<Session["spec"], "key" | "kind" | "agentId">;

export interface SubjectInputs {
  /** null: it can't be told, and so neither can names. */
  slugOf: SlugOf | null;
  config: Config;
  folders: HostFolders;
  agentId: AgentId;
  /** The sandbox where its tools run, or the browser beside it. */
  kind: SandboxKind;
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
export const nameOf = (subject: Subject, slugOf: SlugOf): SandboxName => desiredOf(subject, slugOf).name;

function desiredOf({ kind, sandbox, agent, scope, scopeKey }: Subject, slugOf: SlugOf): DesiredSandbox {
  const tools = toDesired(slugOf, { id: agent.id, sandbox }, scope, scopeKey);
  return kind === "tools" ? tools : toDesiredBrowser(slugOf(scopeKey, sandbox.workspaceRoot), tools);
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
  const { config, kind, agentId, sandbox, scope, scopeKey, slugOf } = subject;
  const name = slugOf === null ? null : nameOf(subject, slugOf);
  return {
    config: config.file,
    kind,
    agentId,
    sessionKey: subject.session?.key ?? null,
    sandboxed: subject.isSandboxed,
    because: becauseOf(subject),
    wanted: wantedOf(subject, look?.input ?? null),
    sandbox: subject.isSandboxed ? { name, scope, scopeKey, status, live: liveOf(subject, look) } : null,
    values: explainValues(config, sandbox, kind),
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

/** Why the agent has no browser, whoever asks for one. null: it may have one, or none is asked about. */
const refusalOf = ({ kind, config, sandbox }: Subject): string | null => (kind === "browser" ? whyNoBrowser(config, sandbox) : null);

function wantedOf(subject: Subject, input: PlanInput | null): ExplainView["wanted"] {
  const refusal = subject.isSandboxed ? refusalOf(subject) : null;
  if (refusal !== null) return { yes: false, because: refusal };
  if (input === null) return null;
  const { want, containers } = input;
  if (want.kind === "wanted") return { yes: true, because: want.because };
  const isUnused = subject.kind === "browser" && containers.length === 0 && want.kind === "unwanted" && want.evidence.kind === "config";
  return { yes: want.kind === "unknown", because: isUnused ? "no session has asked for it by the tool browser" : want.because };
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
  const { slugOf, kind, sandbox, scope, config } = subject;
  const { workspace, agentDir, settings } = desiredOf(subject, slugOf ?? NO_SLUG);
  const isNamed = slugOf !== null || workspace.purpose === "agent" || scope === "shared";
  const because = (key: string): string => explainSource(config, sandbox.provenance.get(key)).source;
  const access = `workspaceAccess ${sandbox.workspaceAccess} (${because("workspaceAccess")})`;
  const purpose = workspace.purpose === "agent" ? "the agent's workspace" : `the workspace of scope ${scope}`;
  const mounts: ExplainView["mounts"] = [
    { source: isNamed ? workspace.dir : null, target: settings.docker.workdir, access: "rw", because: `${purpose}: ${access}` },
  ];
  if (agentDir !== null)
    mounts.push({ source: agentDir, target: AGENT_MOUNT_TARGET, access: "ro", because: `the agent's workspace: ${access}` });
  const isOwn = kind === "browser" && sandbox.provenance.get("browser.binds")?.kind === "config";
  for (const [index, { source, target, readOnly }] of settings.docker.binds.entries())
    mounts.push({ source, target, access: readOnly ? "ro" : "rw", because: because(isOwn ? "browser.binds" : `docker.binds[${index}]`) });
  return mounts;
}

/** Volumes that the image declares. */
function volumesOf(subject: Subject, image: ImageFact | null): ExplainView["mounts"] {
  const desired = desiredOf(subject, subject.slugOf ?? NO_SLUG);
  const { tmpfs, readOnlyRoot } = desired.settings.docker;
  const [source, because] = readOnlyRoot
    ? ["tmpfs", `a volume that the image declares, in memory and empty at first, ${toVolumeTmpfs("").options}: docker.readOnlyRoot`]
    : ["a volume of the engine", "the image declares it; without a limit, and gone with the container"];
  return findImageVolumes(image, { tmpfs, mounts: toMounts(desired) }).map((target) => ({ source, target, access: "rw", because }));
}

function toolsOf({ config, kind, agentId, sandbox, isSandboxed: yes }: Subject): ExplainView["tools"] {
  const all = decideTools(toToolPolicy(config, { agentId, sandbox: yes ? sandbox : null }));
  const decisions = kind === "browser" ? all.filter(({ tool }) => tool === "browser") : all;
  return yes ? [...decisions] : decisions.map((decision) => decideOnHost(config, agentId, decision));
}

/** Steps that are due, then what waits and until when, then what only a person can change. */
function nextOf(subject: Subject, status: Sandbox | null, input: PlanInput | null): string[] {
  const { kind, sandbox, isSandboxed: yes } = subject;
  const known = input === null ? [...(status?.status.next ?? [])] : nextSteps(input);
  // What is left of a sandbox that the config does not want any more has a next step too.
  if (!yes) return [...known, toSandboxedFix(sandbox)];
  if (kind === "browser") return [...known, ...toBrowserSteps(subject, { isDue: known.length > 0 || input?.want.kind === "wanted" })];
  if (input === null || known.length > 0 || input.want.kind === "wanted") return known;
  return [`the sandbox is created when a session uses it; to keep it at all times, set ${toConfigKey(sandbox, "start")} to "eager"`];
}

/** What makes a browser start, where none is on its way. */
function toBrowserSteps(subject: Subject, { isDue }: { isDue: boolean }): string[] {
  const { sandbox } = subject;
  if (!sandbox.browser.enabled) return [`to have one, set ${toConfigKey(sandbox, "browser.enabled")} to true`];
  if (isDue || refusalOf(subject) !== null) return [];
  if (sandbox.browser.autoStart) return ["the browser starts with the first use of the tool browser"];
  return [`the browser starts when the tool browser is asked to (action start): ${toConfigKey(sandbox, "browser.autoStart")} is false`];
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
