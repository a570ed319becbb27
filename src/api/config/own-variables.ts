// The variables for `${NAME}` that a config brings along: `<state>/.env`, and its own section `env` (`env.vars.NAME`, `env.NAME`), as upstream has them.
// The process's environment goes first, then `.env`, then the section; an empty one is none where a later one has a value. Pure.
import { posix } from "node:path";
import { parseEnv } from "node:util";
import type { Issue } from "../issue.ts";
import { type ConfigSources, checkFileAccess } from "./sources.ts";
import { type EnvironmentVariables, isReferenced, replaceKnown } from "./substitute.ts";
import { type ConfigMember, type ConfigNode, renderPath } from "./tree.ts";

const SECTION = "env";
/** Upstream's way of running a login shell for its variables; nothing is run here. */
const SHELL = "shellEnv";

export const toDotenvPath = (stateDir: string): string => posix.join(stateDir, ".env");

export interface OwnVariables {
  /** Without the section. */
  root: ConfigNode;
  variables: EnvironmentVariables;
  issues: Issue[];
}

/** @param environment the process's. `.env` is judged, as the config is, once something is taken from it. */
export function takeVariables(
  root: ConfigNode,
  sources: ConfigSources,
  context: { stateDir: string; variables: EnvironmentVariables; trustedOwners: readonly number[] | null },
): OwnVariables {
  const section = root.kind === "object" ? root.members.find(({ key }) => key === SECTION)?.value : undefined;
  const rest: ConfigNode = root.kind === "object" ? { ...root, members: root.members.filter(({ key }) => key !== SECTION) } : root;
  const file = toDotenvPath(context.stateDir);
  const dotenv = readDotenv(sources, file);
  const known = fillIn(context.variables, dotenv.variables);
  const variables = fillIn(known, section === undefined ? {} : readSection(section, known));
  const isUsed = Object.keys(dotenv.variables).some((name) => variables[name] !== context.variables[name] && isReferenced(rest, name));
  const issues = [...dotenv.issues, ...(section === undefined ? [] : reportShell(section))];
  if (isUsed) issues.push(...checkFileAccess(sources.files.get(file), context.trustedOwners));
  return { root: rest, variables, issues };
}

/** The first, and of the second what the first leaves unset or empty. */
function fillIn(first: EnvironmentVariables, second: EnvironmentVariables): EnvironmentVariables {
  const added = Object.entries(second).filter(([name]) => !Object.hasOwn(first, name) || !first[name]);
  return { ...first, ...Object.fromEntries(added) };
}

/** Lines as `dotenv` reads them, `NAME: value` among them. */
function readDotenv(sources: ConfigSources, path: string): { variables: EnvironmentVariables; issues: Issue[] } {
  const source = sources.files.get(path);
  if (source?.kind === "unreadable") {
    const message = `it can't be read, so it sets no variables: ${source.reason}`;
    return { variables: {}, issues: [{ severity: "warning", file: path, path: "", message }] };
  }
  if (source?.kind !== "text") return { variables: {}, issues: [] };
  const text = source.text
    .replace(/^\ufeff/, "")
    .replaceAll(/\r\n?/g, "\n")
    .replaceAll(/^(\s*(?:export\s+)?[\w.-]+)[ \t]*(?:=|:(?=[ \t]))[ \t]*/gm, "$1=");
  return { variables: parseEnv(text), issues: [] };
}

/** Values may name variables that are known without the section; one that names another is none. */
function readSection(section: ConfigNode, known: EnvironmentVariables): EnvironmentVariables {
  const own = membersOf(section).filter(({ key }) => key !== "vars" && key !== SHELL);
  const vars = membersOf(membersOf(section).find(({ key }) => key === "vars")?.value);
  const values = [...vars, ...own].flatMap(({ key, value }): [string, string][] => {
    if (value.kind !== "scalar" || value.value === null) return [];
    const text = replaceKnown(String(value.value), known);
    return text === null ? [] : [[key, text]];
  });
  return Object.fromEntries(values);
}

function reportShell(section: ConfigNode): Issue[] {
  const shell = membersOf(section).find(({ key }) => key === SHELL);
  if (shell === undefined) return [];
  const path = renderPath([SECTION, SHELL]);
  return [{ severity: "warning", ...shell.at, path, message: "accepted, but this product runs no shell for variables" }];
}

const membersOf = (node: ConfigNode | undefined): readonly ConfigMember[] => (node?.kind === "object" ? node.members : []);
