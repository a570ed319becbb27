// From the files of a config to the config in force, or to every issue they have. Pure: files, environment and folders are arguments.
// Issues are reported in the order in which a person would fix them: who can write, syntax, keys, values, rules.
import type { Issue, Parsed } from "../issue.ts";
import { type Config, collectAgents, type HostFolders, toConfig } from "./config.ts";
import { joinSources } from "./include.ts";
import { takeVariables, toDotenvPath } from "./own-variables.ts";
import { checkRules } from "./rules.ts";
import { checkAssistant } from "./rules-assistant.ts";
import { findWrittenSecrets } from "./rules-models.ts";
import { ConfigFile } from "./schema.ts";
import { toIssues } from "./schema-issues.ts";
import { type ConfigSources, checkAccess } from "./sources.ts";
import { type EnvironmentVariables, substituteVariables } from "./substitute.ts";
import { type ConfigNode, locateKey, locateValue, renderPath, toLocations, toPlain } from "./tree.ts";
import { dropUnusedKeys } from "./unused-keys.ts";

/** What the config is read against. */
export interface ConfigEnvironment extends HostFolders {
  /** For `${NAME}`. */
  readonly variables: EnvironmentVariables;
  /** User ids that may own config files and folders, usually our own and 0. null: not checked. */
  readonly trustedOwners: readonly number[] | null;
}

/** More would hide the first ones, and a hostile file could make millions. */
const ISSUES_MAX = 200;

export function parseConfig(sources: ConfigSources, environment: ConfigEnvironment): Parsed<Config> {
  const access = checkAccess(sources, environment.trustedOwners, toDotenvPath(environment.stateDir));
  const joined = joinSources(sources);
  const issues = [...access, ...joined.issues];
  if (joined.root === null || joined.issues.length > 0) return refuse(issues);
  const all = dropUnusedKeys(joined.root);
  const own = takeVariables(all.root, sources, environment);
  const substituted = substituteVariables(own.root, own.variables);
  issues.push(...all.issues, ...own.issues, ...findWrittenSecrets(all.root), ...substituted.issues);
  const config = toValidConfig(substituted.root, sources, issues);
  if (config !== null) issues.push(...checkRules(config, sources, environment));
  return config === null || issues.some(isError) ? refuse(issues) : { ok: true, value: config, issues: limit(issues) };
}

const isError = (issue: Issue): boolean => issue.severity === "error";

function refuse(issues: readonly Issue[]): Parsed<Config> {
  return { ok: false, issues: limit(issues) };
}

/** Errors first, each severity in the order of the file. */
function limit(issues: readonly Issue[]): Issue[] {
  const sorted = issues.toSorted(
    (left, right) => Number(isError(right)) - Number(isError(left)) || compareText(left.file, right.file) || comparePlace(left, right),
  );
  const [first] = sorted;
  if (first === undefined || sorted.length <= ISSUES_MAX) return sorted;
  const rest = sorted.length - ISSUES_MAX;
  return [...sorted.slice(0, ISSUES_MAX), { severity: first.severity, file: first.file, path: "", message: `and ${rest} more issues` }];
}

const compareText = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0);

function comparePlace(left: Issue, right: Issue): number {
  return (left.line ?? 0) - (right.line ?? 0) || (left.column ?? 0) - (right.column ?? 0);
}

/** Adds to `issues` what the schema and the list of agents show; null if the values have no known shape. */
function toValidConfig(root: ConfigNode, sources: ConfigSources, issues: Issue[]): Config | null {
  const file = ConfigFile.safeParse(toPlain(root));
  if (!file.success) {
    issues.push(...toIssues(file.error, root));
    return null;
  }
  const { agents, problems } = collectAgents(file.data.agents ?? {});
  for (const { path, ...problem } of problems) {
    const at = path[1] === "entries" && path.length === 3 ? locateKey(root, path) : locateValue(root, path);
    issues.push({ ...problem, ...at, path: renderPath(path) });
  }
  const config = toConfig(file.data, agents, { file: sources.main, files: [...sources.files.keys()], locations: toLocations(root) });
  issues.push(...checkAssistant(file.data, config));
  return config;
}
