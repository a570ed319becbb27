// Which keys this product uses, which upstream OpenClaw has beside them (accepted, reported once per section), and which are nobody's.
// It only sorts keys; their values are checked by schema.ts.
import type { Issue } from "../issue.ts";
import { CODEX_DEFAULTS } from "../models/providers.ts";
import { BROWSER_KEYS, DOCKER_KEYS, EGRESS_KEYS, PRUNE_KEYS, ROLLOUT_KEYS, SANDBOX_KEYS } from "./keys.ts";
import { ULIMIT_NAMES } from "./schema-values.ts";
import { renderDidYouMean } from "./suggest.ts";
import { type ConfigMember, type ConfigNode, type ConfigPath, renderPath } from "./tree.ts";
import { UPSTREAM } from "./upstream-keys.ts";

/** What may stand in one object. */
interface Section {
  readonly kind: "section";
  /** An unknown key is an error (reported by the schema), not a warning. */
  readonly strict: boolean;
  readonly used: Readonly<Record<string, Shape>>;
  readonly upstream: readonly string[];
  /** Other names of used keys. */
  readonly aliases?: Readonly<Record<string, string>>;
}
/** `each`: a list or a record of such; `value`: anything, the schema's business. */
type Shape = Section | { readonly kind: "each"; readonly item: Shape } | { readonly kind: "value" };

const VALUE: Shape = { kind: "value" };
const values = (keys: readonly string[]): Record<string, Shape> => Object.fromEntries(keys.map((key) => [key, VALUE]));
const strict = (used: Record<string, Shape>, upstream: readonly string[] = []): Section => ({
  kind: "section",
  strict: true,
  used,
  upstream,
});
const loose = (used: Record<string, Shape>, upstream: readonly string[]): Section => ({ kind: "section", strict: false, used, upstream });

const SANDBOX = strict(
  {
    ...values([...Object.keys(SANDBOX_KEYS), "backend"]),
    docker: strict({ ...values(Object.keys(DOCKER_KEYS)), ulimits: strict(values(ULIMIT_NAMES)) }, UPSTREAM.docker),
    egress: strict(values(Object.keys(EGRESS_KEYS))),
    prune: strict(values(Object.keys(PRUNE_KEYS))),
    rollout: strict(values(Object.keys(ROLLOUT_KEYS))),
    browser: { ...strict(values(Object.keys(BROWSER_KEYS)), UPSTREAM.sandboxBrowser), aliases: { noVncEnabled: "enableNoVnc" } },
  },
  UPSTREAM.sandbox,
);

const TOOLS = loose(
  {
    ...values(["allow", "deny"]),
    exec: loose(values(["host", "timeoutSec", "backgroundMs", "loginProfile"]), UPSTREAM.exec),
    sandbox: strict({ tools: strict(values(["allow", "alsoAllow", "deny"])) }),
  },
  UPSTREAM.tools,
);

const SUBAGENTS = loose(values(["maxSpawnDepth", "maxChildrenPerAgent", "maxConcurrent", "runTimeoutSeconds"]), UPSTREAM.subagents);

const HEARTBEAT = loose(
  {
    ...values(["every", "prompt", "target", "isolatedSession", "lightContext", "model", "ackMaxChars"]),
    activeHours: strict(values(["start", "end", "timezone"])),
  },
  UPSTREAM.heartbeat,
);

const MODEL = loose(values(["primary", "fallbacks"]), UPSTREAM.modelChoice);

const BUDGET_LIMIT = strict(values(["tokens", "usd"]));
const BUDGET = { session: BUDGET_LIMIT, agentDay: BUDGET_LIMIT };

const AGENT = loose(
  {
    ...values(["id", "default", "name", "workspace", "thinkingDefault"]),
    model: MODEL,
    heartbeat: HEARTBEAT,
    budget: strict(BUDGET),
    sandbox: SANDBOX,
    tools: TOOLS,
  },
  UPSTREAM.agent,
);

const each = (item: Shape): Shape => ({ kind: "each", item });

const PROVIDER_MODEL = loose(
  {
    ...values(["id", "name", "contextWindow", "maxTokens", "input"]),
    cost: loose(values(["input", "output", "cacheRead", "cacheWrite"]), []),
  },
  UPSTREAM.providerModel,
);

const PROVIDER = loose(
  { ...values(["baseUrl", "apiKey", "api", "timeoutSeconds", "headers"]), models: each(PROVIDER_MODEL) },
  UPSTREAM.provider,
);

const DEFAULTS = loose(
  {
    ...{ workspace: VALUE, sandbox: SANDBOX, subagents: SUBAGENTS, model: MODEL },
    models: each(loose(values(["alias", "params"]), UPSTREAM.modelEntry)),
    budget: strict({ ...BUDGET, day: BUDGET_LIMIT }),
    ...{ timeoutSeconds: VALUE, maxConcurrent: VALUE, thinkingDefault: VALUE, heartbeat: HEARTBEAT },
    run: strict(values(["maxSteps", "repeatedCalls", "resultCharacters"])),
    compaction: loose(
      {
        ...values(["model", "keepRecentTokens", "reserveTokens", "identifierPolicy", "mode", "notifyUser"]),
        memoryFlush: loose(values(["enabled", "softThresholdTokens", "prompt"]), UPSTREAM.memoryFlush),
      },
      UPSTREAM.compaction,
    ),
  },
  UPSTREAM.agentDefaults,
);

const ROOT = loose(
  {
    agents: loose(
      {
        defaults: DEFAULTS,
        list: each(AGENT),
        entries: each(AGENT),
      },
      [],
    ),
    env: VALUE,
    models: loose({ mode: VALUE, providers: each(PROVIDER) }, UPSTREAM.models),
    auth: loose(
      {
        profiles: each(loose(values(["provider", "mode"]), UPSTREAM.authProfile)),
        order: VALUE,
        codex: strict(values(Object.keys(CODEX_DEFAULTS))),
      },
      UPSTREAM.auth,
    ),
    tools: TOOLS,
    messages: loose({ queue: loose(values(["mode", "debounceMs", "cap", "drop"]), UPSTREAM.queue) }, UPSTREAM.messages),
    cron: loose(
      { enabled: VALUE, jobs: each(loose(values(["id", "schedule", "timezone", "agentId", "message", "enabled"]), UPSTREAM.cronJob)) },
      UPSTREAM.cron,
    ),
    gateway: strict(
      {
        ...values(["mode", "port", "bind", "customBindHost", "trustedProxies", "maxSandboxes"]),
        auth: strict(values(["mode", "token", "password"]), UPSTREAM.gatewayAuth),
        controlUi: strict(values(["enabled", "allowedOrigins"]), UPSTREAM.controlUi),
      },
      UPSTREAM.gateway,
    ),
  },
  UPSTREAM.root,
);

/** A hostile file could make a million. */
const ISSUES_MAX = 200;

/** Editors' key at the top of a file; means nothing to anybody else. */
const SILENT_KEYS: readonly string[] = ["$schema"];

/** Keys of the object at `path` that this product uses or upstream has; null where any key may stand. */
export function knownKeysAt(path: ConfigPath): readonly string[] | null {
  let shape: Shape | undefined = ROOT;
  for (const part of path) {
    if (shape === undefined || shape.kind === "value") return null;
    shape = shape.kind === "each" ? shape.item : Object.entries(shape.used).find(([key]) => key === part)?.[1];
  }
  return shape?.kind === "section" ? [...Object.keys(shape.used), ...shape.upstream] : null;
}

/** What decides upstream who may do what. To accept one and not apply it would give everybody more than the file says. */
const ACCESS_KEYS: ReadonlySet<string> = new Set(["roles", "gateway.roles", "gateway.auth.identityScopes", "auth.identityScopes"]);

function refuseAccessKeys(root: ConfigNode): Issue[] {
  const isAccessKey = (path: ConfigPath): boolean => ACCESS_KEYS.has(renderPath(path));
  const visit = (node: ConfigNode, path: ConfigPath): Issue[] => {
    if (node.kind !== "object" || path.length > ACCESS_KEYS_DEPTH_MAX) return [];
    return node.members.flatMap((member) => {
      const inner = [...path, member.key];
      if (!isAccessKey(inner)) return visit(member.value, inner);
      const message = "this says who may do what, and is not applied here: whoever has the gateway's secret may do everything";
      const fix = "remove it, and give the secret to those alone who may do everything";
      return [{ severity: "error", ...member.at, path: renderPath(inner), message, fix }];
    });
  };
  return visit(root, []);
}

const ACCESS_KEYS_DEPTH_MAX = 3;

/** The tree without what this product does not use, and a warning for each section that had such keys. */
export function dropUnusedKeys(root: ConfigNode): { root: ConfigNode; issues: Issue[] } {
  const issues: Issue[] = refuseAccessKeys(root);
  return { root: drop(root, ROOT, [], issues), issues };
}

function drop(node: ConfigNode, shape: Shape, path: ConfigPath, issues: Issue[]): ConfigNode {
  if (shape.kind === "value") return node;
  if (shape.kind === "each") return dropInEach(node, shape.item, path, issues);
  if (node.kind !== "object") return node;
  const kept: ConfigMember[] = [];
  const unused: ConfigMember[] = [];
  for (const written of node.members) {
    const member = withUsedName(written, node.members, shape);
    if (ACCESS_KEYS.has(renderPath([...path, member.key]))) continue;
    const inner = Object.hasOwn(shape.used, member.key) ? shape.used[member.key] : undefined;
    if (inner !== undefined) kept.push({ ...member, value: drop(member.value, inner, [...path, member.key], issues) });
    else if (shape.upstream.includes(member.key)) unused.push(member);
    else if (shape.strict) kept.push(member);
    else if (!(path.length === 0 && SILENT_KEYS.includes(member.key)) && issues.length < ISSUES_MAX)
      issues.push(reportUnknown(member, shape, path));
  }
  if (issues.length < ISSUES_MAX) issues.push(...reportUnused(unused, path));
  return { ...node, members: kept };
}

/** Under the name that is used, unless that is there as well. */
function withUsedName(member: ConfigMember, members: readonly ConfigMember[], { aliases = {} }: Section): ConfigMember {
  const name = Object.hasOwn(aliases, member.key) ? aliases[member.key] : undefined;
  return name === undefined || members.some(({ key }) => key === name) ? member : { ...member, key: name };
}

function dropInEach(node: ConfigNode, item: Shape, path: ConfigPath, issues: Issue[]): ConfigNode {
  if (node.kind === "array") return { ...node, items: node.items.map((value, index) => drop(value, item, [...path, index], issues)) };
  if (node.kind !== "object") return node;
  const members = node.members.map((member) => ({ ...member, value: drop(member.value, item, [...path, member.key], issues) }));
  return { ...node, members };
}

function reportUnknown(member: ConfigMember, shape: Section, path: ConfigPath): Issue {
  const known = [...Object.keys(shape.used), ...shape.upstream];
  return {
    severity: "warning",
    ...member.at,
    path: renderPath([...path, member.key]),
    message: "unknown key; it has no effect",
    ...renderDidYouMean(member.key, known),
  };
}

/** What ignoring a key changes, where that is more than a missing feature. */
const CONSEQUENCES: Readonly<Record<string, string>> = {
  profile: "tools.profile is not applied: list the tools in allow",
  byProvider: "tools.byProvider is not applied",
  toolsBySender: "tools.toolsBySender is not applied",
  tls: "the gateway speaks plain HTTP: put a TLS proxy in front of it",
};

function reportUnused(members: readonly ConfigMember[], path: ConfigPath): Issue[] {
  const warn = (at: ConfigMember["at"], where: ConfigPath, message: string): Issue => ({
    severity: "warning",
    ...at,
    path: renderPath(where),
    message,
  });
  if (path.length === 0)
    return members.map((member) => warn(member.at, [member.key], "accepted, but this product does not use this section"));
  const [first] = members;
  if (first === undefined) return [];
  const names = members.map((member) => member.key).join(", ");
  const consequences = members.flatMap((member) => (Object.hasOwn(CONSEQUENCES, member.key) ? [CONSEQUENCES[member.key]] : []));
  return [warn(first.at, path, [`accepted, but this product does not use: ${names}`, ...consequences].join("; "))];
}
