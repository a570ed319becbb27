// Shows the config's main file without its secrets, and plays through an edit of it that somebody else made: what is wrong with it, and what it would
// do to each sandbox. Nothing is saved, and nothing is told that the config in force doesn't: no other file, no variable, no path of the host.
// How a plan is made is views.ts's; what is hidden is api/config/hidden-text.ts's.

import { createHash } from "node:crypto";
import { relative } from "node:path";
import type { Config, HostFolders } from "../../api/config/config.ts";
import { type EffectiveSandbox, resolveSandbox } from "../../api/config/effective.ts";
import { type HiddenText, hideText, restoreText } from "../../api/config/hidden-text.ts";
import { findNoEffect } from "../../api/config/no-effect.ts";
import { toDotenvPath } from "../../api/config/own-variables.ts";
import { type ConfigEnvironment, parseConfig } from "../../api/config/parse.ts";
import type { ConfigSources } from "../../api/config/sources.ts";
import type { ConfigEdit, ConfigEditView, ConfigTextView } from "../../api/config-edit.ts";
import { OperationError } from "../../api/errors.ts";
import { renderIssue } from "../../api/issue.ts";
import type { PlannedSandbox } from "../../api/wire.ts";
import type { ConfigSource } from "../sources/config-source.ts";

export interface ConfigEditParts {
  config: Pick<ConfigSource, "view" | "sources">;
  environment: ConfigEnvironment;
  /** The config in force. null: there is none. */
  inForce(): Config | null;
  /** What the loop would do. null: with the config in force. */
  plan(config: Config | null): Promise<PlannedSandbox[]>;
}

export function toConfigText({ config: { view, sources }, environment }: Pick<ConfigEditParts, "config" | "environment">): ConfigTextView {
  const facts = { file: view.file, loadedAt: view.loadedAt };
  const none = (problem: string): ConfigTextView => ({ ...facts, text: null, revision: "", included: [], problem });
  const [first] = view.issues.filter(({ severity }) => severity === "error");
  if (!view.ok) return none(first === undefined ? "the config was not read yet" : renderIssue(first));
  if (sources === null) return none("there is no config in force");
  const hidden = hideMain(sources);
  const others = [...sources.files].filter(
    ([path, { kind }]) => kind === "text" && path !== sources.main && path !== toDotenvPath(environment.stateDir),
  );
  const included = others.map(([path]) => relative(view.file.slice(0, view.file.lastIndexOf("/") + 1), path));
  return { ...facts, text: hidden.text, revision: revisionOf(hidden), included, problem: "" };
}

/** @throws OperationError `NotReady`, and `Aborted` when the file is another one by now */
export async function tryConfigEdit(parts: ConfigEditParts, { revision, text, plan: isPlanned }: ConfigEdit): Promise<ConfigEditView> {
  const { config, environment, inForce, plan } = parts;
  const sources = config.sources;
  if (!config.view.ok || sources === null)
    throw new OperationError("NotReady", "the config file is not in force as it is", { fix: "openclaw config validate", retryable: false });
  const hidden = hideMain(sources);
  if (revision !== revisionOf(hidden))
    throw new OperationError("Aborted", "the config file has changed since this edit began", {
      fix: "make the edit anew",
      retryable: false,
    });
  const nothing: ConfigEditView = { issues: [], plan: null, others: 0, unplanned: "" };
  const restored = restoreText(sources.main, hidden, text);
  if (!restored.ok) return { ...nothing, issues: restored.issues };
  const parsed = parseConfig(withMain(sources, restored.text), environment);
  if (!parsed.ok) return { ...nothing, issues: parsed.issues };
  const issues = [...parsed.issues, ...findNoEffect(parsed.value, environment)];
  const [foreign] = findForeignPaths(parsed.value, inForce(), environment);
  const unplanned =
    foreign === undefined ? "" : `the config in force doesn't name ${foreign}, and nothing is told here of other paths of the host`;
  if (!isPlanned || unplanned !== "") return { ...nothing, issues, unplanned };
  const [before, after] = [await plan(null), await plan(parsed.value)];
  const known = new Map(before.map((planned) => [planned.name, JSON.stringify(planned)]));
  const changed = after.filter((planned) => known.get(planned.name) !== JSON.stringify(planned));
  return { ...nothing, issues, plan: changed, others: after.length - changed.length };
}

/** @throws OperationError `InternalError`: what is in force is JSON5 */
function hideMain({ main, files }: ConfigSources): HiddenText {
  const file = files.get(main);
  const result = hideText(main, file?.kind === "text" ? file.text : "");
  if (!result.ok) throw new OperationError("InternalError", renderIssue(result.issue));
  return result.hidden;
}

/** Of what is shown: one of the secrets themselves would let them be guessed. */
const revisionOf = ({ text }: HiddenText): string => createHash("sha256").update(text).digest("hex").slice(0, 32);

function withMain(sources: ConfigSources, text: string): ConfigSources {
  const main = sources.files.get(sources.main);
  return main?.kind === "text" ? { ...sources, files: new Map([...sources.files, [sources.main, { ...main, text }]]) } : sources;
}

/** Paths at which the host would be looked at, and is not looked at now. */
function findForeignPaths(edited: Config, inForce: Config | null, folders: HostFolders): string[] {
  const known = new Set(inForce === null ? [] : sandboxesOf(inForce, folders).flatMap(listPaths));
  return sandboxesOf(edited, folders).flatMap((sandbox) => listPaths(sandbox).filter((path) => !known.has(path) && !isOwn(sandbox, path)));
}

const sandboxesOf = (config: Config, folders: HostFolders): EffectiveSandbox[] =>
  config.agents.map((agent) => resolveSandbox(config, agent, folders));

function listPaths({ agentWorkspace, workspaceRoot, docker, browser }: EffectiveSandbox): string[] {
  const binds = [...docker.binds, ...browser.binds].map(({ source }) => source);
  return [agentWorkspace, workspaceRoot, ...binds, ...(docker.seccompProfile === null ? [] : [docker.seccompProfile])];
}

/** Folders that the product makes for itself, by a rule that everybody knows. */
const isOwn = ({ provenance, agentWorkspace, workspaceRoot }: EffectiveSandbox, path: string): boolean =>
  (["agentWorkspace", "workspaceRoot"] as const).some(
    (key) => provenance.get(key)?.kind === "default" && path === { agentWorkspace, workspaceRoot }[key],
  );
