// Every example is one that the product takes: configs without a single issue, objects by their schema, and none that the list forgets.
// That the configs converge is manifests.engine.test.ts.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import JSON5 from "json5";
import { describe, expect, it } from "vitest";
import { parseConfig } from "../src/api/config/parse.ts";
import { toSources } from "../src/api/config/sources.ts";
import { RolloutRequest, SandboxRequest } from "../src/api/request.ts";
import { Session } from "../src/api/session.ts";

const folder = import.meta.dirname;
const read = (...path: string[]): string => readFileSync(join(folder, ...path), "utf8");
const configs = readdirSync(join(folder, "config"));
const objects = readdirSync(join(folder, "objects"));

const SCHEMAS = { Session, SandboxRequest, RolloutRequest };
const isKind = (kind: string): kind is keyof typeof SCHEMAS => kind in SCHEMAS;

describe("the example configs", () => {
  it.each(configs)("%s is valid, without a warning", (file) => {
    const environment = { stateDir: "/state", home: "/home/user", variables: {}, trustedOwners: null };
    const parsed = parseConfig(toSources(read("config", file)), environment);
    expect(parsed.issues).toEqual([]);
    expect(parsed.ok).toBe(true);
  });

  it.each(configs)("%s is JSON5 to any other reader, too", (file) => {
    expect(JSON5.parse(read("config", file))).toHaveProperty("agents");
  });
});

describe("the example objects", () => {
  it.each(objects)("%s is what its kind's schema takes", (file) => {
    const object: unknown = JSON.parse(read("objects", file));
    const kind = String(Reflect.get(Object(object), "kind"));
    expect(isKind(kind)).toBe(true);
    if (isKind(kind)) expect(SCHEMAS[kind].safeParse(object)).toMatchObject({ success: true });
  });

  it("show every kind that a person or the gateway may write", () => {
    const kinds = objects.map((file) => Reflect.get(JSON.parse(read("objects", file)) as object, "kind"));
    expect(new Set(kinds)).toEqual(new Set(Object.keys(SCHEMAS)));
  });
});

describe("the list of examples", () => {
  it("names every one of them, and nothing else", () => {
    const linked = [...read("README.md").matchAll(/\]\(((?:config|objects)\/[^)]+)\)/g)].map(([, path]) => path);
    expect(linked.sort()).toEqual([...configs.map((file) => `config/${file}`), ...objects.map((file) => `objects/${file}`)].sort());
  });
});
