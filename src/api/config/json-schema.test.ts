import { expect, test } from "vitest";
import { toConfigJsonSchema } from "./json-schema.ts";
import { BROWSER_KEYS, DOCKER_KEYS, PRUNE_KEYS, ROLLOUT_KEYS } from "./keys.ts";

function at(...path: string[]): unknown {
  return path.reduce<unknown>(
    (node, key) => (typeof node === "object" && node !== null ? Reflect.get(node, key) : undefined),
    toConfigJsonSchema(),
  );
}
const SANDBOX = ["properties", "agents", "properties", "defaults", "properties", "sandbox", "properties"];

test("editors get draft 2020-12 and the input form of values", () => {
  expect(at("$schema")).toBe("https://json-schema.org/draft/2020-12/schema");
  expect(at(...SANDBOX, "docker", "properties", "memory")).toMatchObject({ type: ["string", "number", "null"] });
  expect(at(...SANDBOX, "rollout", "properties", "hotWindow")).toMatchObject({ type: ["string", "number"], default: "5m" });
  expect(at(...SANDBOX, "docker", "properties", "binds", "items")).toEqual({ type: "string" });
});

test("every sandbox key has a description, and a default if it has one", () => {
  for (const [group, keys] of Object.entries({ docker: DOCKER_KEYS, prune: PRUNE_KEYS, rollout: ROLLOUT_KEYS, browser: BROWSER_KEYS })) {
    for (const [key, facts] of Object.entries(keys)) {
      const property = at(...SANDBOX, group, "properties", key);
      expect(property, key).toMatchObject(facts.default === null ? {} : { default: facts.default });
      expect(JSON.stringify(property), key).toContain(JSON.stringify(facts.about));
    }
  }
});

test("unknown keys are marked in sandbox blocks, upstream's and $include are not", () => {
  expect(at(...SANDBOX, "docker", "additionalProperties")).toBe(false);
  expect(at(...SANDBOX, "sessionToolsVisibility")).toBeDefined();
  expect(at(...SANDBOX, "docker", "properties", "$include")).toBeDefined();
  expect(at("properties", "gateway", "properties", "port")).toMatchObject({ default: 18789 });
});

test("an agent's own block has no defaults: it defaults to agents.defaults", () => {
  expect(at("properties", "agents", "properties", "list", "items", "properties", "sandbox", "properties", "mode")).not.toHaveProperty(
    "default",
  );
});
