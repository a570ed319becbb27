// The gateway decides by its part of a config exactly as it would by the whole: what the part lacks, no decision of the gateway needs.
// What is in it is api/config/gateway-part.ts's; how it comes, controller-config.ts's.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { toSessionKey } from "../../api/brands.ts";
import { HOST, parse } from "../../api/config/config.fixture.ts";
import type { Config } from "../../api/config/config.ts";
import { resolveSandbox } from "../../api/config/effective.ts";
import { toConfigOfPart, toGatewayPart } from "../../api/config/gateway-part.ts";
import { isSandboxed } from "../../api/config/sandboxed.ts";
import type { SessionKind } from "../../api/session.ts";
import { KNOWN_TOOLS, toToolPolicy } from "../../api/tool-policy.ts";
import { type Confinement, findLoosening } from "../sessions/confinement.ts";
import { toToolAccess } from "../tools/access.ts";

const FOLDER = join(import.meta.dirname, "../../../test/configs/accepted");
const PARTS = { "./parts/defaults.json5": readFileSync(join(FOLDER, "parts/defaults.json5"), "utf8") };
const KINDS: readonly SessionKind[] = ["main", "direct", "mcp"];

/** Every choice of one confinement by which a child may be refused. */
const WALLS = `{ agents: { defaults: { workspace: "~/w", sandbox: { mode: "all", docker: { env: { A: "b" } } } }, list: [
  { id: "plain" },
  { id: "open", sandbox: { mode: "non-main", workspaceAccess: "rw" }, tools: { exec: { host: "gateway", timeoutSec: 7, backgroundMs: 9 } } },
  { id: "net", sandbox: { docker: { network: "bridge", workdir: "/w" } } },
  { id: "gpu", sandbox: { docker: { gpus: "all" } } },
  { id: "root", sandbox: { docker: { user: "0:0", readOnlyRoot: false, capDrop: ["NET_RAW"] } } },
  { id: "other", sandbox: { docker: { runtime: "runsc", apparmorProfile: "mine" } } },
  { id: "bind", sandbox: { docker: { binds: ["~/w/x:/x:ro"], dangerouslyAllowExternalBindSources: true } } },
  { id: "shared", sandbox: { scope: "shared", docker: { network: "bridge" } } },
  { id: "browsing", sandbox: { browser: { enabled: true, autoStart: false, evaluateEnabled: true } }, tools: { sandbox: { tools: { allow: ["browser"], deny: [] } } } },
  { id: "wide", sandbox: { browser: { enabled: true, network: "bridge" } } },
  { id: "bare", sandbox: { browser: { enabled: true, noSandbox: true } } },
  { id: "tools", tools: { deny: ["exec"], sandbox: { tools: { alsoAllow: ["browser"] } } } },
] }, tools: { sandbox: { tools: { deny: ["cron"] } } } }`;

const texts = [
  WALLS,
  ...readdirSync(FOLDER).flatMap((name) => (name.endsWith(".json5") ? [readFileSync(join(FOLDER, name), "utf8")] : [])),
];

/** Whatever a gateway asks of a config, for every agent and kind of session. */
function decisionsOf(config: Config): unknown {
  const confinements: Confinement[] = [];
  const agents = config.agents.map((agent) => ({
    ...{ id: agent.id, name: agent.name, isDefault: agent.isDefault },
    sessions: KINDS.map((kind) => {
      const spec = { key: toSessionKey(`agent:${agent.id}:${kind}`), agentId: agent.id, kind };
      const access = toToolAccess(config, { spec }, HOST);
      const sandbox = resolveSandbox(config, agent, HOST);
      const sandboxed = isSandboxed(sandbox.mode, spec);
      const policy = toToolPolicy(config, { agentId: agent.id, sandbox: sandboxed ? sandbox : null });
      confinements.push({ sandboxed, sandbox, policy, decide: access.decide });
      const { enabled, autoStart, evaluateEnabled } = sandbox.browser;
      return {
        sandboxed,
        browser: { enabled, autoStart, evaluateEnabled },
        workdir: access.workdir,
        exec: access.exec,
        tools: KNOWN_TOOLS.map(access.decide),
      };
    }),
  }));
  return {
    agents,
    spawning: config.spawning,
    gateway: config.gateway,
    spawns: confinements.map((one) => confinements.map((other) => findLoosening(one, other))),
  };
}

test("the gateway decides by its part of a config as by the whole", () => {
  const configs = texts.flatMap((text) => {
    const parsed = parse(text, { variables: {} }, PARTS);
    return parsed.ok ? [parsed.value] : [];
  });
  expect(configs.length).toBeGreaterThan(10);
  for (const config of configs) {
    // As it is sent: what is not JSON is not in it.
    const part = toConfigOfPart(JSON.parse(JSON.stringify(toGatewayPart(config))));
    expect(decisionsOf(part)).toEqual(decisionsOf(config));
  }
  const [walls] = configs;
  expect(walls?.agents).toHaveLength(12);
  expect(new Set((decisionsOf(walls as Config) as { spawns: (string | null)[][] }).spawns.flat()).size).toBeGreaterThan(8);
});
