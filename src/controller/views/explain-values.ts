// Renders an effective sandbox value by value, as a person would write it in the config, each with the key and place that won and what it won
// over. What may be a secret is only said to be set. It resolves nothing: api/config/effective.ts did.
import { dirname, relative } from "node:path";
import type { Config } from "../../api/config/config.ts";
import type { EffectiveSandbox, ValueSource } from "../../api/config/effective.ts";
import { renderConfigDuration, renderConfigSize } from "../../api/config/values.ts";
import type { ExplainedValue } from "../../api/explain-view.ts";
import type { SandboxKind } from "../../api/sandbox.ts";
import { actsOnBrowser } from "../decide/browser.ts";
import { isShownVariable } from "../decide/fields.ts";

const SIZE_KEYS = new Set(["docker.memory", "docker.memorySwap", "docker.shmSize", "docker.workspaceSize"]);
const DURATION_KEYS = new Set(["rollout.hotWindow", "rollout.maxDriftAge", "rollout.progressDeadline"]);
/** Their parts are shown instead, each with its own place. */
const MERGED_KEYS = ["docker.env", "docker.ulimits", "docker.binds", "egress.allow", "egress.deny"];

/** Of a browser those that its container takes. */
export function explainValues(config: Config, sandbox: EffectiveSandbox, kind: SandboxKind): ExplainedValue[] {
  const { provenance, browser } = sandbox;
  const keys = [...provenance.keys()].filter((key) => {
    if (kind === "browser" && !actsOnBrowser(sandbox, key)) return false;
    if (key.startsWith("browser.")) return browser.enabled || key === "browser.enabled";
    return !MERGED_KEYS.includes(key) || ![...provenance.keys()].some((other) => other.startsWith(key) && other !== key);
  });
  return keys.map((key) => ({ key, value: renderKey(sandbox, key), ...explainSource(config, provenance.get(key)) }));
}

/** The key path, or `default`; the place relative to the config's folder. */
export function explainSource(config: Config, source: ValueSource | undefined): Pick<ExplainedValue, "source" | "at" | "over"> {
  if (source === undefined || source.kind === "default") return { source: "default", at: null, over: null };
  const file = relative(dirname(config.file), source.file);
  return { source: source.path, at: `${file}:${source.line}:${source.column}`, over: source.over ?? null };
}

function renderKey(sandbox: EffectiveSandbox, key: string): string {
  const value = readKey(sandbox, key);
  if (key.startsWith("docker.env.")) {
    if (value === undefined) return "removed";
    return isShownVariable(key.slice("docker.env.".length)) ? String(value) : "(set)";
  }
  if (key === "docker.setupCommand" && typeof value === "string") return `(set, ${value.length} characters)`;
  if (value === null || value === undefined) return key.startsWith("docker.ulimits.") ? "removed" : "unset";
  if (typeof value === "number" && SIZE_KEYS.has(key)) return value === -1 ? "unlimited" : renderConfigSize(value);
  if (typeof value === "number" && DURATION_KEYS.has(key)) return renderConfigDuration(value);
  if (Array.isArray(value)) return value.length === 0 ? "none" : value.map(renderItem).join(" ");
  return typeof value === "object" ? renderItem(value) : String(value);
}

/** `docker.memory` of the effective block; undefined where the key names something that was removed. */
function readKey(sandbox: EffectiveSandbox, key: string): unknown {
  const [group = "", name = "", ...rest] = key.split(/\.|(?=\[)/);
  // Names of variables and limits are the reader's own words, not properties of ours.
  if (rest.length === 0) return name === "" ? Reflect.get(sandbox, group) : Reflect.get(Reflect.get(sandbox, group), name);
  const part = rest.join(".");
  if (name === "env") return Object.hasOwn(sandbox.docker.env, part) ? sandbox.docker.env[part] : undefined;
  if (name === "ulimits") return sandbox.docker.ulimits.find((limit) => limit.name === part);
  if (group === "egress" && (name === "allow" || name === "deny")) return sandbox.egress?.[name][Number(part.slice(1, -1))];
  return name === "binds" ? sandbox.docker.binds[Number(part.slice(1, -1))] : undefined;
}

/** As one writes it: `/tmp:size=256m`, `1024:2048`, `/host:/inside:ro`. */
function renderItem(item: unknown): string {
  if (typeof item !== "object" || item === null) return String(item);
  if ("readOnly" in item && "source" in item && "target" in item)
    return `${item.source}:${item.target}:${item.readOnly === true ? "ro" : "rw"}`;
  if ("soft" in item && "hard" in item) return `${item.soft}:${item.hard}`;
  return Object.values(item).join(":");
}
