// The config's JSON Schema for editors: what a person may write ("1g" or a number), with every key's meaning and default.
// Made from the zod schemas; it is never used to check a file.
import { z } from "zod";
import { GATEWAY_PORT_DEFAULT, MAX_SANDBOXES_DEFAULT } from "./config.ts";
import { INCLUDE_KEY } from "./include.ts";
import { BROWSER_KEYS, DOCKER_KEYS, EGRESS_KEYS, type KeyFacts, PRUNE_KEYS, ROLLOUT_KEYS, SANDBOX_KEYS } from "./keys.ts";
import { ConfigFile } from "./schema.ts";
import { UPSTREAM } from "./upstream-keys.ts";

type JsonObject = Record<string, unknown>;

const isObject = (value: unknown): value is JsonObject => typeof value === "object" && value !== null && !Array.isArray(value);

const INCLUDE_SCHEMA = {
  description: "File or files to merge in here, relative to this file and inside the config's folder; keys next to it take precedence",
  anyOf: [{ type: "string" }, { type: "array", items: { type: "string" } }],
};

/** Draft 2020-12. */
export function toConfigJsonSchema(): JsonObject {
  const schema: JsonObject = { ...z.toJSONSchema(ConfigFile, { io: "input", target: "draft-2020-12", unrepresentable: "any" }) };
  schema.title = "OpenClaw config";
  const agents = propertiesOf(propertiesOf(schema).agents);
  const agent = (entry: unknown): JsonObject => propertiesOf(entry);
  const listed = isObject(agents.list) ? agent(agents.list.items) : {};
  const entered = isObject(agents.entries) ? agent(agents.entries.additionalProperties) : {};
  for (const sandbox of [propertiesOf(agents.defaults).sandbox, listed.sandbox, entered.sandbox]) acceptUpstreamOfSandbox(sandbox);
  addSandboxDefaults(propertiesOf(agents.defaults).sandbox);
  addGateway(propertiesOf(schema).gateway);
  addIncludes(schema);
  return schema;
}

function propertiesOf(schema: unknown): JsonObject {
  return isObject(schema) && isObject(schema.properties) ? schema.properties : {};
}

/** Of a value that may be null, what it is otherwise. */
const nonNull = (schema: unknown): unknown =>
  isObject(schema) && Array.isArray(schema.anyOf) ? schema.anyOf.find((one) => isObject(one) && one.type !== "null") : schema;

function addDefaults(schema: unknown, keys: Readonly<Record<string, KeyFacts>>): void {
  for (const [key, property] of Object.entries(propertiesOf(schema))) {
    const facts = Object.hasOwn(keys, key) ? keys[key] : undefined;
    if (isObject(property) && facts !== undefined && facts.default !== null) property.default = facts.default;
  }
}

/** Only `agents.defaults` has the built-in defaults: an agent's own block defaults to that one. */
function addSandboxDefaults(sandbox: unknown): void {
  addDefaults(sandbox, SANDBOX_KEYS);
  const groups = propertiesOf(sandbox);
  addDefaults(groups.docker, DOCKER_KEYS);
  addDefaults(nonNull(groups.egress), EGRESS_KEYS);
  addDefaults(groups.prune, PRUNE_KEYS);
  addDefaults(groups.rollout, ROLLOUT_KEYS);
  addDefaults(groups.browser, BROWSER_KEYS);
}

function acceptUpstream(schema: unknown, keys: readonly string[]): void {
  const properties = propertiesOf(schema);
  for (const key of keys) properties[key] ??= { description: "Accepted for compatibility; this product does not use it" };
}

function acceptUpstreamOfSandbox(sandbox: unknown): void {
  acceptUpstream(sandbox, UPSTREAM.sandbox);
  acceptUpstream(propertiesOf(sandbox).docker, UPSTREAM.docker);
  acceptUpstream(propertiesOf(sandbox).browser, UPSTREAM.sandboxBrowser);
}

function addGateway(gateway: unknown): void {
  acceptUpstream(gateway, UPSTREAM.gateway);
  const properties = propertiesOf(gateway);
  acceptUpstream(properties.auth, UPSTREAM.gatewayAuth);
  acceptUpstream(properties.controlUi, UPSTREAM.controlUi);
  const facts = (value: unknown): KeyFacts => ({ about: "", default: value });
  addDefaults(gateway, { port: facts(GATEWAY_PORT_DEFAULT), bind: facts("loopback"), maxSandboxes: facts(MAX_SANDBOXES_DEFAULT) });
  addDefaults(properties.auth, { mode: facts("token") });
  addDefaults(properties.controlUi, { enabled: facts(true) });
}

/** `$include` may stand in every object that has named keys. */
function addIncludes(schema: unknown): void {
  if (Array.isArray(schema)) for (const item of schema) addIncludes(item);
  if (!isObject(schema)) return;
  for (const value of Object.values(schema)) addIncludes(value);
  if (isObject(schema.properties) && schema.type === "object") schema.properties[INCLUDE_KEY] = INCLUDE_SCHEMA;
}
