// Changes which model answers in the config file, and leaves every other character of it as it is. A reference that leads nowhere is refused.
// What the keys mean is api/config; whether the model answers is found out by asking it.
import { setPath } from "../api/config/edit.ts";
import { OperationError } from "../api/errors.ts";
import type { Issue } from "../api/issue.ts";
import { renderReference } from "../api/models/reference.ts";
import { isTarget, type ModelTarget, resolveModel } from "../api/models/resolve.ts";
import { type ConfigFile, saveConfigFile, toInvalidConfig } from "./config-file.ts";

export interface ModelChange {
  /** As a person wrote it. */
  model: string;
  /** null: of every agent that has none of its own. */
  agentId: string | null;
}

export interface ModelChanged {
  target: ModelTarget;
  /** The key path that was set. */
  path: string;
  isSame: boolean;
  /** What is left to say of the config. */
  issues: readonly Issue[];
}

/** @throws OperationError `InvalidConfig`, `NotFound` (no such agent), `InvalidArgument` (no such provider), `HostRejected` */
export async function setModelInConfig(file: ConfigFile, { model, agentId }: ModelChange): Promise<ModelChanged> {
  if (!file.parsed.ok) {
    const [first] = file.parsed.issues;
    throw first === undefined ? new OperationError("InvalidConfig", `${file.path} is invalid`) : toInvalidConfig(first);
  }
  const config = file.parsed.value;
  const target = resolveModel(config, model);
  if (!isTarget(target))
    throw new OperationError("InvalidArgument", `"${target.written}" can't be used: ${target.message}`, { fix: target.fix });
  const base = agentId === null ? "agents.defaults" : config.agents.find(({ id }) => id === agentId)?.path;
  if (base === undefined || base === null)
    throw new OperationError("NotFound", `the config has no agent "${agentId}"`, { fix: "openclaw config get agents" });
  // An object has fallbacks beside it, which stay.
  const isObject = config.locations.has(`${base}.model.primary`) || config.locations.has(`${base}.model.fallbacks`);
  const path = `${base}.model${isObject ? ".primary" : ""}`;
  const text = file.text ?? "";
  const edited = setPath(text, path, JSON.stringify(aliasOr(model, target)), file.path);
  if (!edited.ok) throw toInvalidConfig(edited.issue);
  const issues = await saveConfigFile(file, edited.text);
  return { target, path, isSame: edited.text === text, issues };
}

/** An alias stays one: whoever changes it changes the model. */
const aliasOr = (written: string, target: ModelTarget): string => (written.includes("/") ? renderReference(target) : written);
