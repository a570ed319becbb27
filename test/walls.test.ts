// Proves that the linter holds each wall of the house: every import that must not be is planted in a copy of the layout, and found.
// The copy lies in a temporary folder with the real biome.json, so that nothing is planted in the checkout itself.
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it, test } from "vitest";

interface Planted {
  readonly file: string;
  readonly code: string;
}

const WALLS = ["lint/style/noRestrictedImports", "lint/style/noRestrictedGlobals"];

/** Every folder of the controller but `decide`, which has rules of its own. */
const ROOMS = [
  "queue",
  "engine",
  "records",
  "folders",
  "metrics",
  "sources",
  "egress",
  "loop",
  "sweep",
  "doctor",
  "views",
  "servers",
] as const;

const GATEWAY_ROOMS = [
  "sandbox",
  "browser",
  "devices",
  "credentials",
  "models",
  "config",
  "tools",
  "sessions",
  "host",
  "agent",
  "chat",
  "http",
  "mcp",
  "ws",
] as const;

/** One import each, of a type: a wall holds for those too. @param files of the controller, by their path in it */
const fromRoom = (room: (typeof ROOMS)[number], ...files: readonly string[]): Planted[] =>
  files.map((file) => ({ file: `src/controller/${room}/a.ts`, code: `import type { Thing } from "../${file}";` }));

/** The same in the gateway. */
const fromGateway = (room: (typeof GATEWAY_ROOMS)[number], ...files: readonly string[]): Planted[] =>
  files.map((file) => ({ file: `src/gateway/${room}/a.ts`, code: `import type { Thing } from "../${file}";` }));

const FORBIDDEN: readonly Planted[] = [
  // The vocabulary knows nobody.
  { file: "src/api/a.ts", code: 'import { loop } from "../controller/loop/loop.ts";' },
  { file: "src/api/a.ts", code: 'import type { Engine } from "../controller/engine/engine.ts";' },
  { file: "src/api/config/a.ts", code: 'import { serve } from "../../gateway/server.ts";' },
  { file: "src/api/a.ts", code: 'export { table } from "../cli/table.ts";' },
  { file: "src/api/a.ts", code: 'export const engine = await import("dockerode");' },
  // Decisions are pure.
  { file: "src/controller/decide/a.ts", code: 'import { loop } from "../loop.ts";' },
  { file: "src/controller/decide/a.ts", code: 'import type { Engine } from "../engine/engine.ts";' },
  { file: "src/controller/decide/a.ts", code: 'import { serve } from "../../gateway/server.ts";' },
  { file: "src/controller/decide/a.ts", code: 'import { table } from "../../cli/table.ts";' },
  { file: "src/controller/decide/a.ts", code: 'import { readFileSync } from "node:fs";' },
  { file: "src/controller/decide/a.ts", code: 'import { readFileSync } from "fs";' },
  { file: "src/controller/decide/a.ts", code: 'import { setTimeout } from "node:timers/promises";' },
  { file: "src/controller/decide/a.ts", code: 'import { randomUUID } from "node:crypto";' },
  { file: "src/controller/decide/a.ts", code: 'import Docker from "dockerode";' },
  { file: "src/controller/decide/a.ts", code: 'import { pino } from "pino";' },
  { file: "src/controller/decide/a.ts", code: 'export const fs = await import("node:fs/promises");' },
  { file: "src/controller/decide/a.ts", code: "export const home = process.env.HOME;" },
  { file: "src/controller/decide/a.ts", code: "export const startedAt = performance.now();" },
  { file: "src/controller/decide/a.ts", code: "setTimeout(() => undefined, 1);" },
  { file: "src/controller/decide/a.ts", code: "setInterval(() => undefined, 1);" },
  { file: "src/controller/decide/a.ts", code: "export const id = crypto.randomUUID();" },
  { file: "src/controller/decide/a.ts", code: 'export const answer = fetch("http://localhost");' },
  { file: "src/controller/decide/a.ts", code: "export const now = globalThis.Date.now();" },
  // Only the engine folder speaks to an engine; the controller knows neither of its callers.
  { file: "src/controller/a.ts", code: 'import Docker from "dockerode";' },
  { file: "src/controller/a.ts", code: 'import type Modem from "dockerode/lib/modem";' },
  { file: "src/controller/a.ts", code: 'import { serve } from "../gateway/server.ts";' },
  { file: "src/controller/engine/a.ts", code: 'import { table } from "../../cli/table.ts";' },
  { file: "src/controller/engine/a.ts", code: 'import { serve } from "../../gateway/server.ts";' },
  // The rooms of the controller import downwards alone.
  ...fromRoom("queue", "decide/types.ts", "records/ledger.ts"),
  ...fromRoom("engine", "records/ledger.ts", "loop/loop.ts", "folders/open-folder.ts"),
  ...fromRoom("records", "loop/loop.ts", "sources/desired-state.ts", "engine/docker.ts", "engine/connect.ts", "sweep/sweep.ts"),
  ...fromRoom("folders", "loop/loop.ts", "engine/engine.ts", "records/ledger.ts", "sources/desired-state.ts"),
  ...fromRoom("metrics", "loop/loop.ts", "sweep/sweep.ts", "servers/admin-server.ts", "engine/docker.ts", "views/health.ts"),
  ...fromRoom("sources", "loop/rollouts.ts", "sweep/sweep.ts", "views/views.ts", "engine/docker.ts"),
  ...fromRoom("egress", "loop/loop.ts", "sources/desired-state.ts", "metrics/metrics.ts", "folders/open-folder.ts", "engine/docker.ts"),
  ...fromRoom("loop", "metrics/metrics.ts", "sweep/sweep.ts", "servers/audit.ts", "views/views.ts", "doctor/probe.ts", "engine/docker.ts"),
  ...fromRoom("loop", "parts.ts", "controller.ts"),
  ...fromRoom("sweep", "loop/observe.ts", "views/views.ts", "servers/audit.ts", "engine/docker.ts"),
  ...fromRoom("doctor", "loop/observe.ts", "sweep/sweep.ts", "views/views.ts", "sources/desired-state.ts", "engine/connect.ts"),
  ...fromRoom("views", "loop/observe.ts", "sweep/sweep.ts", "servers/audit.ts", "engine/connect.ts", "queue/keyed-queue.ts", "main.ts"),
  ...fromRoom("servers", "sweep/sweep.ts", "doctor/probe.ts", "folders/open-folder.ts", "engine/docker-exec.ts", "controller.ts"),
  ...ROOMS.map((room) => ({ file: `src/controller/${room}/a.ts`, code: 'import { sample } from "./b.test.ts";' })),
  ...ROOMS.map((room) => ({ file: `src/controller/${room}/a.ts`, code: 'import { serve } from "../../gateway/main.ts";' })),
  ...ROOMS.filter((room) => room !== "engine").map((room) => ({
    file: `src/controller/${room}/a.ts`,
    code: 'import Docker from "dockerode";',
  })),
  // The gateway cannot reach the engine.
  { file: "src/gateway/a.ts", code: 'import { loop } from "../controller/loop/loop.ts";' },
  { file: "src/gateway/a.ts", code: 'import type { Engine } from "../controller/engine/engine.ts";' },
  { file: "src/gateway/tools/a.ts", code: 'export const main = await import("../../controller/main.ts");' },
  { file: "src/gateway/a.ts", code: 'import { table } from "../cli/table.ts";' },
  { file: "src/gateway/a.ts", code: 'import Docker from "dockerode";' },
  // The rooms of the gateway import downwards alone.
  ...fromGateway("sandbox", "tools/dispatch.ts", "sessions/sessions.ts"),
  ...fromGateway("browser", "tools/dispatch.ts", "sessions/sessions.ts", "http/auth.ts", "host/host-port.ts"),
  ...fromGateway("devices", "http/auth.ts", "ws/sockets.ts", "sessions/sessions.ts"),
  ...fromGateway("credentials", "devices/identity.ts", "http/app.ts", "sessions/sessions.ts"),
  ...fromGateway("models", "sessions/sessions.ts", "http/auth.ts", "metrics.ts"),
  ...fromGateway("config", "sessions/sessions.ts", "http/app.ts"),
  ...fromGateway("tools", "sessions/sessions.ts", "host/host-port.ts", "http/app.ts"),
  ...fromGateway("sessions", "http/handlers.ts", "ws/sockets.ts", "mcp/mcp-client.ts", "host/host-port.ts"),
  ...fromGateway("host", "sessions/sessions.ts", "tools/dispatch.ts"),
  ...fromGateway("agent", "http/app.ts", "ws/sockets.ts", "credentials/credentials.ts", "host/host-port.ts"),
  { file: "src/gateway/agent/decide/a.ts", code: 'import type { Run } from "../run.ts";' },
  { file: "src/gateway/agent/decide/a.ts", code: 'import { Sessions } from "../../sessions/sessions.ts";' },
  { file: "src/gateway/agent/decide/a.ts", code: 'import { readFileSync } from "node:fs";' },
  { file: "src/gateway/agent/decide/a.ts", code: 'import { randomUUID } from "node:crypto";' },
  { file: "src/gateway/agent/decide/a.ts", code: "setTimeout(() => undefined, 1);" },
  ...fromGateway("chat", "agent/agent-service.ts", "http/app.ts", "sessions/sessions.ts"),
  ...fromGateway("http", "agent/agent-service.ts", "mcp/mcp-endpoint.ts", "ws/sockets.ts", "host/host-port.ts", "main.ts"),
  ...fromGateway("mcp", "ws/sockets.ts", "sandbox/sandbox-port.ts"),
  ...fromGateway("ws", "agent/agent-service.ts", "mcp/mcp-client.ts", "sessions/sessions.ts"),
  { file: "src/gateway/browser/child/a.ts", code: 'import { names } from "../../../api/names.ts";' },
  { file: "src/gateway/browser/child/a.ts", code: 'import { Browsers } from "../browsers.ts";' },
  ...GATEWAY_ROOMS.flatMap((room) => [
    { file: `src/gateway/${room}/a.ts`, code: 'import { sample } from "./b.test.ts";' },
    { file: `src/gateway/${room}/a.ts`, code: 'import Docker from "dockerode";' },
    { file: `src/gateway/${room}/a.ts`, code: 'import { run } from "../../controller/main.ts";' },
  ]),
  // The command line reads and writes requests; it only knows how to start the two servers.
  { file: "src/cli/a.ts", code: 'import { loop } from "../controller/loop/loop.ts";' },
  { file: "src/cli/commands/a.ts", code: 'import { plan } from "../../controller/decide/plan.ts";' },
  { file: "src/cli/commands/a.ts", code: 'export const server = await import("../../gateway/server.ts");' },
  { file: "src/cli/a.ts", code: 'import { CredentialStore } from "../gateway/credentials/credential-store.ts";' },
  { file: "src/cli/commands/a.ts", code: 'export const engine = await import("../../controller/engine/main.ts");' },
  { file: "src/cli/a.ts", code: 'import Docker from "dockerode";' },
  // The page knows the types of the vocabulary, and runs in a browser.
  { file: "src/ui/a.ts", code: 'import { loop } from "../controller/loop/loop.ts";' },
  { file: "src/ui/pages/a.tsx", code: 'import type { Engine } from "../../controller/engine/engine.ts";' },
  { file: "src/ui/pages/a.tsx", code: 'import { serve } from "../../gateway/server.ts";' },
  { file: "src/ui/a.ts", code: 'export const table = await import("../cli/table.ts");' },
  { file: "src/ui/a.ts", code: 'import { readFileSync } from "node:fs";' },
  { file: "src/ui/a.ts", code: "export const home = process.env.HOME;" },
  { file: "src/ui/a.ts", code: "export const bytes = Buffer.from([]);" },
  { file: "src/api/a.ts", code: 'import { toState } from "../ui/text/state.ts";' },
  { file: "src/controller/a.ts", code: 'import { toState } from "../ui/text/state.ts";' },
  { file: "src/gateway/a.ts", code: 'import { toState } from "../ui/text/state.ts";' },
  { file: "src/cli/a.ts", code: 'import { toState } from "../ui/text/state.ts";' },
  // The egress proxy's image holds little of the vocabulary, and nobody imports the proxy.
  { file: "src/egress/a.ts", code: 'import { loop } from "../controller/loop/loop.ts";' },
  { file: "src/egress/a.ts", code: 'import type { Engine } from "../controller/engine/engine.ts";' },
  { file: "src/egress/a.ts", code: 'import { serve } from "../gateway/server.ts";' },
  { file: "src/egress/a.ts", code: 'import { table } from "../cli/table.ts";' },
  { file: "src/egress/a.ts", code: 'import { parseValue } from "../api/parse-value.ts";' },
  { file: "src/egress/a.ts", code: 'import { loadConfig } from "../api/config/load.ts";' },
  { file: "src/egress/a.ts", code: 'import Docker from "dockerode";' },
  { file: "src/egress/a.ts", code: 'import { sample } from "./b.test.ts";' },
  { file: "src/egress/a.test.ts", code: 'import { loop } from "../controller/loop/loop.ts";' },
  { file: "src/api/a.ts", code: 'import { EgressProxy } from "../egress/proxy.ts";' },
  { file: "src/api/egress/a.ts", code: 'import { EgressProxy } from "../../egress/proxy.ts";' },
  { file: "src/controller/a.ts", code: 'import { EgressProxy } from "../egress/proxy.ts";' },
  { file: "src/controller/loop/a.ts", code: 'import { EgressProxy } from "../../egress/proxy.ts";' },
  { file: "src/controller/fixtures/a.ts", code: 'import { EgressProxy } from "../../egress/proxy.ts";' },
  { file: "src/gateway/a.ts", code: 'import { EgressProxy } from "../egress/proxy.ts";' },
  { file: "src/gateway/tools/a.ts", code: 'import { EgressProxy } from "../../egress/proxy.ts";' },
  { file: "src/cli/a.ts", code: 'import { EgressProxy } from "../egress/proxy.ts";' },
  { file: "src/cli/commands/a.ts", code: 'export const main = await import("../../egress/main.ts");' },
  { file: "src/ui/pages/a.tsx", code: 'import type { EgressProxy } from "../../egress/proxy.ts";' },
  // Nobody imports a test.
  { file: "src/api/a.ts", code: 'import { sample } from "./b.test.ts";' },
  { file: "src/controller/a.ts", code: 'import { sample } from "./decide/b.test.ts";' },
  { file: "src/controller/engine/a.ts", code: 'import { sample } from "./b.engine.test.ts";' },
  { file: "src/controller/decide/a.ts", code: 'import { sample } from "./b.test.ts";' },
  { file: "src/controller/decide/a.test.ts", code: 'import { sample } from "./b.test.ts";' },
  { file: "src/gateway/a.ts", code: 'import { sample } from "./b.test.ts";' },
  { file: "src/cli/a.ts", code: 'import { sample } from "./b.test.ts";' },
  { file: "test/a.ts", code: 'import { sample } from "../src/api/b.test.ts";' },
];

const ALLOWED: readonly Planted[] = [
  { file: "src/api/a.ts", code: 'import { z } from "zod";' },
  { file: "src/api/config/a.ts", code: 'import { names } from "../names.ts";' },
  { file: "src/controller/decide/a.ts", code: 'import { createHash } from "node:crypto";' },
  { file: "src/controller/decide/a.ts", code: 'import type { Sandbox } from "../../api/sandbox.ts";' },
  { file: "src/controller/decide/a.ts", code: 'import { parse } from "../../api/config/config.ts";' },
  { file: "src/controller/decide/a.ts", code: 'import { planActions } from "./plan.ts";' },
  { file: "src/controller/decide/a.ts", code: "export const later = (now: number): string => new Date(now).toISOString();" },
  { file: "src/controller/decide/a.test.ts", code: 'import fc from "fast-check";' },
  { file: "src/controller/a.ts", code: 'import { plan } from "./decide/plan.ts";' },
  { file: "src/controller/a.ts", code: 'import type { Engine } from "./engine/engine.ts";' },
  { file: "src/controller/engine/a.ts", code: 'import Docker from "dockerode";' },
  ...fromRoom("records", "decide/types.ts", "engine/engine.ts", "../api/brands.ts"),
  ...fromRoom("metrics", "queue/keyed-queue.ts", "records/damaged-files.ts"),
  ...fromRoom("loop", "folders/host-folders.ts", "queue/keyed-queue.ts", "records/ledger.ts", "sources/desired-state.ts"),
  ...fromRoom("views", "doctor/examine.ts", "folders/host-folders.ts"),
  ...fromRoom("servers", "loop/access.ts", "views/admin-views.ts"),
  { file: "src/controller/records/a.ts", code: 'import { ledger } from "./ledger.ts";' },
  { file: "src/controller/records/a.test.ts", code: 'import { startModel } from "../fixtures/model.fixture.ts";' },
  { file: "src/controller/passes.ts", code: 'import { Loop } from "./loop/loop.ts";' },
  { file: "src/controller/a.engine.test.ts", code: 'import Docker from "dockerode";' },
  { file: "src/gateway/tools/a.ts", code: 'import { names } from "../../api/names.ts";' },
  ...fromGateway("sessions", "tools/tool-port.ts", "sandbox/upload.ts"),
  ...fromGateway("browser", "sandbox/stream-client.ts"),
  ...fromGateway("tools", "browser/browsers.ts"),
  ...fromGateway("mcp", "http/problem.ts"),
  ...fromGateway("http", "models/open-models.ts"),
  { file: "src/gateway/a.ts", code: 'import { policy } from "./tools/policy.ts";' },
  { file: "src/egress/a.ts", code: 'import { judgeTarget } from "../api/egress/judge.ts";' },
  { file: "src/egress/a.ts", code: 'import type { Clock } from "../api/clock.ts";' },
  { file: "src/egress/a.test.ts", code: 'import { VirtualClock } from "../api/virtual-clock.fixture.ts";' },
  { file: "src/api/config/a.ts", code: 'import { parseEgressRule } from "../egress/rule.ts";' },
  { file: "src/controller/decide/a.ts", code: 'import { judgeTarget } from "../../api/egress/judge.ts";' },
  { file: "src/cli/commands/a.ts", code: 'import type { EgressRecord } from "../../api/egress/decision.ts";' },
  { file: "src/cli/a.ts", code: 'export const main = await import("../controller/main.ts");' },
  { file: "src/cli/commands/a.ts", code: 'export const main = await import("../../gateway/main.ts");' },
  { file: "src/cli/commands/a.ts", code: 'export const main = await import("../../gateway/credentials/main.ts");' },
  { file: "src/cli/commands/a.ts", code: 'export const main = await import("../../gateway/models/main.ts");' },
  { file: "src/cli/commands/a.ts", code: 'import { names } from "../../api/names.ts";' },
  { file: "src/ui/pages/a.tsx", code: 'import type { Sandbox } from "../../api/sandbox.ts";' },
  { file: "src/ui/pages/a.tsx", code: 'import { useLink } from "../connection/context.tsx";' },
  { file: "src/ui/pages/a.tsx", code: 'import { Link } from "@tanstack/react-router";' },
];

const title = ({ file, code }: Planted): string => `${file}: ${code}`;

/** One file for each, so that a finding can be told apart: `src/api/a.ts` becomes `src/api/forbidden-3-a.ts`. */
function plantedPath(kind: string, index: number, { file }: Planted): string {
  return join(dirname(file), `${kind}-${index}-${file.slice(dirname(file).length + 1)}`);
}

/** Folders of the controller that are tests alone. */
const TEST_FOLDERS: readonly string[] = ["fixtures", "scenarios"];

test.each([
  ["controller", [...ROOMS, "decide", ...TEST_FOLDERS]],
  ["gateway", GATEWAY_ROOMS],
])("each folder of the %s has walls", (side, rooms) => {
  const entries = readdirSync(resolve(import.meta.dirname, "../src", side), { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  expect(folders.sort()).toEqual([...rooms].sort());
});

describe("the import walls", () => {
  const project = resolve(import.meta.dirname, "..");
  let copy = "";
  let broken = new Set<string>();

  beforeAll(() => {
    copy = mkdtempSync(join(tmpdir(), "openclaw-walls-"));
    for (const file of ["biome.json", "package.json"]) copyFileSync(join(project, file), join(copy, file));
    for (const [kind, list] of Object.entries({ forbidden: FORBIDDEN, allowed: ALLOWED })) {
      for (const [index, planted] of list.entries()) {
        const path = join(copy, plantedPath(kind, index, planted));
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, `${planted.code}\n`);
      }
    }
    broken = filesThatBreakWalls(project, copy);
  });
  afterAll(() => rmSync(copy, { recursive: true, force: true }));

  it.each(FORBIDDEN.map((planted, index) => ({ title: title(planted), path: plantedPath("forbidden", index, planted) })))(
    "refuse $title",
    ({ path }) => expect(broken).toContain(path),
  );

  it.each(ALLOWED.map((planted, index) => ({ title: title(planted), path: plantedPath("allowed", index, planted) })))(
    "let through $title",
    ({ path }) => expect(broken).not.toContain(path),
  );
});

/** Paths relative to `folder` of the files in which the linter reports a wall. */
function filesThatBreakWalls(project: string, folder: string): Set<string> {
  const only = WALLS.map((rule) => `--only=${rule.replace("lint/", "")}`);
  const args = ["lint", "--vcs-enabled=false", "--reporter=json", "--max-diagnostics=none", ...only, "."];
  const output = runEvenIfItFails(join(project, "node_modules/.bin/biome"), args, folder);
  const report = JSON.parse(output) as { diagnostics: { category: string; location: { path: string } }[] };
  return new Set(report.diagnostics.filter(({ category }) => WALLS.includes(category)).map(({ location }) => location.path));
}

/** The linter exits with 1 when it finds something, which here is the rule. */
function runEvenIfItFails(program: string, args: readonly string[], cwd: string): string {
  try {
    return execFileSync(program, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"], timeout: 60_000 });
  } catch (error) {
    const { stdout } = error as { stdout?: string };
    if (stdout === undefined || stdout === "") throw error;
    return stdout;
  }
}
