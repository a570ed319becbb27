// What `config validate` says of settings that do nothing.
import { expect, test } from "vitest";
import { renderIssue } from "../issue.ts";
import { findNoEffect } from "./no-effect.ts";
import { parseConfig } from "./parse.ts";
import { toSources } from "./sources.ts";

const FOLDERS = { stateDir: "/s", home: "/h" };

function found(config: object): string[] {
  const parsed = parseConfig(toSources(JSON.stringify(config), "/s/openclaw.json"), { ...FOLDERS, variables: {}, trustedOwners: null });
  if (!parsed.ok) throw new Error(parsed.issues.map(renderIssue).join("\n"));
  return findNoEffect(parsed.value, FOLDERS).map(({ path, message, fix }) => `${path}: ${message}; ${fix}`);
}
const sandbox = (settings: object, list: object[] = []): object => ({
  agents: { defaults: { sandbox: settings }, ...(list.length > 0 && { list }) },
});

test.each([
  ["docker settings while no session has a sandbox", sandbox({ docker: { memory: "1g" } }), "agents.defaults.sandbox.docker"],
  ["the same with the mode written down", sandbox({ mode: "off", docker: { cpus: 1 } }), "agents.defaults.sandbox.docker"],
  [
    "an agent's own",
    sandbox({ mode: "all" }, [{ id: "a", sandbox: { mode: "off", docker: { cpus: 1 } } }]),
    "agents.list[0].sandbox.docker",
  ],
  ["names for a container without a network", sandbox({ mode: "all", docker: { dns: ["1.1.1.1"] } }), "agents.defaults.sandbox.docker.dns"],
  [
    "tools on the host where every session is sandboxed",
    { ...sandbox({ mode: "all" }), tools: { exec: { host: "gateway" } } },
    "tools.exec.host",
  ],
  ["a password beside a token", { gateway: { auth: { mode: "token", token: "t".repeat(40), password: "p" } } }, "gateway.auth.password"],
  ["a token beside a password", { gateway: { auth: { mode: "password", token: "t".repeat(40), password: "p" } } }, "gateway.auth.token"],
])("%s are said to do nothing", (_, config, path) => {
  expect(found(config)).toEqual([expect.stringMatching(new RegExp(`^${path.replaceAll(/[.[\]]/g, "\\$&")}: no effect.*; (set|remove)`))]);
});

test.each([
  ["a sandbox that is used", sandbox({ mode: "all", docker: { memory: "1g", network: "bridge", dns: ["1.1.1.1"] } })],
  ["defaults that one agent uses", sandbox({ docker: { memory: "1g" } }, [{ id: "a", sandbox: { mode: "all" } }, { id: "b" }])],
  ["a mode that is off, and nothing else", sandbox({ mode: "off", scope: "session" })],
  [
    "host tools for one agent of two",
    { ...sandbox({}, [{ id: "a", sandbox: { mode: "all" } }, { id: "b" }]), tools: { exec: { host: "gateway" } } },
  ],
  ["an empty file", {}],
])("%s is not", (_, config) => {
  expect(found(config)).toEqual([]);
});
