// Which sandbox a person means by what they wrote: a sandbox's name, an agent, a session, or the beginning of a name; or why there is none. One grammar for
// the command line and HTTP. Pure: what there is, is given. It makes and changes nothing.
import { renderDidYouMean } from "../../api/config/suggest.ts";
import { OperationError } from "../../api/errors.ts";
import type { Sandbox } from "../../api/sandbox.ts";
import { expandSessionKey, type KnownAgents } from "../../api/session-reference.ts";
import type { NamedSandbox } from "./admin-views.ts";

/** The sandbox that the config gives to a session. */
export interface GivenSandbox {
  scopeKey: string;
  isSandboxed: boolean;
  /** Which rule says so. */
  because: string;
  /** What a person changes so that it has one. */
  fix: string;
}

export interface NameInputs extends KnownAgents {
  sandboxes: readonly Sandbox[];
  /** @param key full, of a configured agent */
  givenTo(key: string): GivenSandbox;
}

const OFFERED_MAX = 5;
const SHOWN_LENGTH_MAX = 80;

/** @throws OperationError `NotFound`: it is the name of nothing, or of what never has a sandbox; `InvalidArgument`: of several */
export function findNamedSandbox(text: string, inputs: NameInputs): NamedSandbox {
  const { sandboxes } = inputs;
  const exact = sandboxes.find(({ metadata }) => metadata.name === text);
  if (exact !== undefined) return { kind: "found", sandbox: exact };
  const found = findOfAgent(text, inputs) ?? findOfSession(text, inputs) ?? findByBeginning(text, sandboxes);
  if (found !== undefined) return found;
  throw noSuchName(text, inputs);
}

/** What the config still wants before what is about to go, tools before browsers. */
export function choose(sandboxes: readonly Sandbox[], isMeant: (sandbox: Sandbox) => boolean): Sandbox[] {
  const meant = sandboxes.filter(isMeant);
  const rank = ({ spec }: Sandbox): number => (spec.kind === "tools" ? 0 : 2) + (spec.wanted ? 0 : 1);
  const best = Math.min(...meant.map(rank));
  return meant.filter((sandbox) => rank(sandbox) === best);
}

const ofScope = (sandboxes: readonly Sandbox[], scopeKey: string): Sandbox | undefined =>
  choose(sandboxes, ({ spec }) => spec.scopeKey === scopeKey)[0];

/** Its sandbox of scope agent, else its main session's, else the only one that it has. undefined: no agent is meant. */
function findOfAgent(text: string, inputs: NameInputs): NamedSandbox | undefined {
  const { sandboxes, agents } = inputs;
  const id = text.replace(/^agent:(?=[^:]*$)/, "");
  const isConfigured = agents.some((agent) => agent.id === id);
  const own = choose(sandboxes, ({ spec }) => spec.agentId === id);
  if (!isConfigured && own.length === 0) return undefined;
  const main = `agent:${id}:main`;
  const given = isConfigured ? inputs.givenTo(main) : null;
  const found = ofScope(sandboxes, `agent:${id}`) ?? (given?.isSandboxed === true ? ofScope(sandboxes, given.scopeKey) : undefined);
  if (found !== undefined) return { kind: "found", sandbox: found };
  const [only, ...others] = own;
  if (others.length > 0) throw ambiguous(text, own);
  if (only !== undefined) return { kind: "found", sandbox: only };
  return given === null ? undefined : toAwaited(`agent ${id}`, main, { ...inputs, given });
}

/** By its key, full or short. undefined: no session is meant. */
function findOfSession(text: string, inputs: NameInputs): NamedSandbox | undefined {
  const key = expandSessionKey(text, inputs);
  const agent = inputs.agents.find(({ id }) => key.startsWith(`agent:${id}:`));
  const given = agent !== undefined && (inputs.hasSession(key) || key === `agent:${agent.id}:main`) ? inputs.givenTo(key) : null;
  const found = (given?.isSandboxed === true ? ofScope(inputs.sandboxes, given.scopeKey) : undefined) ?? ofScope(inputs.sandboxes, key);
  if (found !== undefined) return { kind: "found", sandbox: found };
  const shared = ofScope(inputs.sandboxes, text);
  if (shared !== undefined) return { kind: "found", sandbox: shared };
  return given === null ? undefined : toAwaited(`session ${key}`, key, { ...inputs, given });
}

/** @throws OperationError `NotFound`: the config gives it none */
function toAwaited(who: string, key: string, { given, hasSession }: NameInputs & { given: GivenSandbox }): NamedSandbox {
  const { scopeKey, isSandboxed, because, fix } = given;
  if (!isSandboxed) throw new OperationError("NotFound", `${who} has no sandbox: ${because}`, { fix });
  const error = new OperationError("NotFound", `${who} has no sandbox yet: it is created when a session uses it`, {
    fix: hasSession(key) ? `openclaw session send ${key} hello` : `openclaw session create ${key}`,
  });
  return { kind: "awaited", scopeKey, error };
}

function findByBeginning(text: string, sandboxes: readonly Sandbox[]): NamedSandbox | undefined {
  const meant = text === "" ? [] : choose(sandboxes, ({ metadata }) => metadata.name.startsWith(text));
  const [only, ...others] = meant;
  if (others.length > 0) throw ambiguous(text, meant);
  return only === undefined ? undefined : { kind: "found", sandbox: only };
}

function ambiguous(text: string, meant: readonly Sandbox[]): OperationError {
  const offered = meant.slice(0, OFFERED_MAX).map(toShortName);
  return new OperationError("InvalidArgument", `${toShown(text)} could be any of ${meant.length} sandboxes`, {
    fix: `type one of: ${offered.join(", ")}${meant.length > OFFERED_MAX ? ", ..." : ""}`,
  });
}

/** What to type for it, as short as it can be and still mean it alone. */
function toShortName({ metadata, spec }: Sandbox): string {
  if (spec.kind !== "tools") return metadata.name;
  return spec.scope === "agent" ? (spec.agentId ?? metadata.name) : spec.scopeKey;
}

export function noSuchName(text: string, { sandboxes, agents }: Pick<NameInputs, "sandboxes" | "agents">): OperationError {
  const known = [...agents.map(({ id }) => id), ...sandboxes.flatMap((sandbox) => [sandbox.metadata.name, toShortName(sandbox)])];
  if (agents.length === 0 && sandboxes.length === 0)
    return new OperationError("NotFound", `there is no sandbox, agent or session ${toShown(text)}: no valid config is loaded`, {
      fix: "openclaw config validate",
    });
  const configured = `configured agents: ${agents.map(({ id }) => id).join(", ")}`;
  return new OperationError("NotFound", `there is no sandbox, agent or session ${toShown(text)}`, {
    fix: renderDidYouMean(text, known).fix ?? `${configured}; list sandboxes with: openclaw sandbox list --all`,
  });
}

/** Cut: it may be anything. */
const toShown = (text: string): string => JSON.stringify(text.slice(0, SHOWN_LENGTH_MAX));
