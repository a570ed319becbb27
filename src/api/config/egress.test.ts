// The `egress` block: how lists merge over the defaults, where each rule comes from, what a sandbox's environment gets, and what is refused beside it.
import { describe, expect, test } from "vitest";
import { toAgentId } from "../brands.ts";
import { resolveAgentSandbox } from "./effective.ts";
import { EGRESS_ENV } from "./egress.ts";
import { parseConfig } from "./parse.ts";
import { recommend } from "./recommend.ts";
import { toSources } from "./sources.ts";

const FOLDERS = { stateDir: "/state", home: "/home/claw" };

const parse = (agents: object) => parseConfig(toSources(JSON.stringify({ agents })), { ...FOLDERS, variables: {}, trustedOwners: null });

function resolve(defaults: object, own: object = {}) {
  const parsed = parse({ defaults: { sandbox: { mode: "all", ...defaults } }, list: [{ id: "main", sandbox: own }] });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.issues));
  const sandbox = resolveAgentSandbox(parsed.value, toAgentId("main"), FOLDERS);
  if (sandbox === undefined) throw new Error("no agent main");
  return { sandbox, issues: parsed.issues, config: parsed.value };
}

const issuesOf = (agents: object): string[] => parse(agents).issues.map(({ severity, path, message }) => `${severity} ${path}: ${message}`);

describe("sandbox.egress", () => {
  test("is nothing unless somebody writes it: the environment stays as it was", () => {
    const { sandbox } = resolve({});
    expect(sandbox.egress).toBeNull();
    expect(sandbox.docker.env).toEqual({ HOME: "/workspace", LANG: "C.UTF-8" });
    expect([...sandbox.provenance.keys()].filter((key) => key.startsWith("egress"))).toEqual([]);
  });

  test("empty is a list on which nothing is", () => {
    expect(resolve({ egress: {} }).sandbox.egress).toEqual({ allow: [], deny: [], log: "all", connections: 48, bandwidth: null });
  });

  test("allow of an agent replaces the default's, deny adds to it: an agent can't lift what the defaults deny", () => {
    const { sandbox } = resolve(
      { egress: { allow: ["a.example"], deny: ["x.example"], log: "refused" } },
      { egress: { allow: ["B.example.", "*.c.example:8443"], deny: ["y.example", "x.example"] } },
    );
    expect(sandbox.egress).toMatchObject({ allow: ["b.example", "*.c.example:8443"], deny: ["x.example", "y.example"], log: "refused" });
    expect(sandbox.provenance.get("egress.allow[1]")).toMatchObject({ path: "agents.list[0].sandbox.egress.allow[1]", line: 1 });
    expect(sandbox.provenance.get("egress.deny[0]")).toMatchObject({ path: "agents.defaults.sandbox.egress.deny[0]" });
    expect(sandbox.provenance.get("egress.deny[1]")).toMatchObject({ path: "agents.list[0].sandbox.egress.deny[0]" });
  });

  test("limits how many connections there may be, and how many bytes a second; 0 and null are no limit of bytes", () => {
    const { sandbox } = resolve({ egress: { connections: 8, bandwidth: "2m" } }, { egress: { connections: 4 } });
    expect(sandbox.egress).toMatchObject({ connections: 4, bandwidth: 2 * 2 ** 20 });
    expect(sandbox.provenance.get("egress.bandwidth")).toMatchObject({ path: "agents.defaults.sandbox.egress.bandwidth" });
    for (const bandwidth of [0, null]) expect(resolve({ egress: { bandwidth } }).sandbox.egress?.bandwidth).toBeNull();
    expect(issuesOf({ defaults: { sandbox: { egress: { connections: 49 } } } })[0]).toMatch(
      /^error agents\.defaults\.sandbox\.egress\.connections: /,
    );
    expect(issuesOf({ defaults: { sandbox: { egress: { bandwidth: "1k" } } } })[0]).toMatch(/bandwidth: expected at least 64 KiB$/);
  });

  test("null of an agent takes the default's away, with its environment", () => {
    const { sandbox } = resolve({ egress: { allow: ["a.example"], deny: ["x.example"] } }, { egress: null, docker: { network: "bridge" } });
    expect(sandbox.egress).toBeNull();
    expect(sandbox.docker.env.HTTP_PROXY).toBeUndefined();
  });

  test("tells programs where the proxy is; what a person sets wins, with a warning, and null removes it", () => {
    const { sandbox, issues } = resolve({ egress: {}, docker: { env: { HTTPS_PROXY: "http://mine:1", NODE_USE_ENV_PROXY: null } } });
    const { NODE_USE_ENV_PROXY: _, ...rest } = EGRESS_ENV;
    expect(sandbox.docker.env).toEqual({ ...rest, HTTPS_PROXY: "http://mine:1", HOME: "/workspace", LANG: "C.UTF-8" });
    expect(issues.map(({ severity, path }) => `${severity} ${path}`)).toEqual([
      "warning agents.defaults.sandbox.docker.env.HTTPS_PROXY",
      "warning agents.defaults.sandbox.docker.env.NODE_USE_ENV_PROXY",
    ]);
  });

  test("beside a network of its own is refused: that would lead past the list", () => {
    const [issue] = issuesOf({ defaults: { sandbox: { mode: "all", egress: { allow: ["a.example"] }, docker: { network: "bridge" } } } });
    expect(issue).toBe(
      'error agents.defaults.sandbox.docker.network: egress needs the network "none": with "bridge" the sandbox reaches everything past the list',
    );
  });

  test("under a runtime of its own is a warning: a network stack inside does not have the relay", () => {
    const { issues } = resolve({ egress: { allow: ["a.example"] }, docker: { runtime: "runsc" } });
    expect(issues.map(({ severity, path }) => `${severity} ${path}`)).toEqual(["warning agents.defaults.sandbox.docker.runtime"]);
  });

  test("with a rule that is none is refused at its place, with what to write", () => {
    const [issue] = issuesOf({ list: [{ id: "main", sandbox: { egress: { allow: ["a.example", "https://b.example/x"] } } }] });
    expect(issue).toBe('error agents.list[0].sandbox.egress.allow[1]: expected a host, not a URL: "b.example"');
  });

  test("with an unknown key is refused", () => {
    const [issue] = issuesOf({ defaults: { sandbox: { egress: { alow: [] } } } });
    expect(issue).toMatch(/^error agents\.defaults\.sandbox\.egress\.alow: unknown key/);
  });

  test("of an agent with a shared sandbox has no effect, as all that is the container's", () => {
    const { sandbox } = resolve({ scope: "shared" }, { egress: { allow: ["a.example"] } });
    expect(sandbox.egress).toBeNull();
    expect(sandbox.ignored).toEqual(["agents.list[0].sandbox.egress"]);
  });
});

test("a network is where egress is recommended, once for each key that says so", () => {
  const { config } = resolve({ docker: { network: "bridge" } });
  expect(recommend(config, FOLDERS)).toEqual([
    'agents.defaults.sandbox.docker.network: "bridge" lets main reach every address; to name what may be reached, remove it and write ' +
      'agents.defaults.sandbox.egress.allow: ["example.com", ...] (docs/egress.md)',
  ]);
  expect(recommend(resolve({ egress: { allow: ["a.example"] } }).config, FOLDERS)).toEqual([]);
  expect(recommend(resolve({ mode: "off", docker: { network: "bridge" } }).config, FOLDERS)).toEqual([]);
});
