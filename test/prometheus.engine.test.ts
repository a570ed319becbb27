// A real Prometheus, with the scrape config and the rules that are delivered, reads a real controller and a real gateway; every panel of the
// dashboard finds data there, and promtool finds nothing to complain about.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { copyFile, mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { until } from "../src/controller/fixtures/docker.fixture.ts";
import { spawnController } from "../src/controller/fixtures/process.fixture.ts";
import { createSite, eager } from "../src/controller/fixtures/site.fixture.ts";
import { queriesOf, readDashboard } from "./dashboard.fixture.ts";
import { freePort } from "./free-port.ts";
import { type GatewayProcess, spawnGateway } from "./gateway.fixture.ts";

const PROMETHEUS = process.env.PROMETHEUS ?? "prometheus";
const PROMTOOL = process.env.PROMTOOL ?? "promtool";
const children: ChildProcess[] = [];
const folders: string[] = [];

afterEach(async () => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true, force: true })));
});

function isThere(program: string): boolean {
  try {
    execFileSync(program, ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

type Samples = { value?: [number, string] }[];

/** null: Prometheus does not answer yet. @throws when it refuses the expression */
async function query(port: number, expression: string): Promise<Samples | null> {
  const body = new URLSearchParams({ query: expression });
  const response = await fetch(`http://127.0.0.1:${port}/api/v1/query`, { method: "POST", body }).catch(() => null);
  if (response === null || response.status === 503) return null;
  const answer: { status: string; error?: string; data?: { result?: Samples } } = JSON.parse(await response.text());
  if (answer.status !== "success") throw new Error(`${expression}: ${answer.error}`);
  return answer.data?.result ?? [];
}

/** The delivered files in a folder of the test's, with its addresses instead of the containers', and faster. @returns Prometheus' port */
async function startPrometheus(metricsPort: number, gateway: GatewayProcess): Promise<{ port: number; folder: string }> {
  const folder = await mkdtemp(join(tmpdir(), "openclaw-prometheus-"));
  folders.push(folder);
  const gatewayPort = new URL(gateway.url).port;
  await mkdir(join(folder, "run"));
  const adapt = (text: string): string =>
    text
      .replaceAll("/run/openclaw", join(folder, "run"))
      .replaceAll("openclaw-controller:9464", `127.0.0.1:${metricsPort}`)
      .replaceAll("openclaw-gateway:%s", "127.0.0.1:%s")
      .replaceAll("15s", "1s");
  for (const name of ["prometheus.yml", "start-prometheus.sh"]) {
    await writeFile(join(folder, name), adapt(await readFile(`manifests/monitoring/${name}`, "utf8")));
  }
  await copyFile("manifests/monitoring/alerts.yml", join(folder, "alerts.yml"));
  const port = await freePort();
  const flags = [`--config.file=${folder}/prometheus.yml`, `--storage.tsdb.path=${folder}/data`, `--web.listen-address=127.0.0.1:${port}`];
  const env = {
    PATH: [dirname(PROMETHEUS), process.env.PATH].join(delimiter),
    OPENCLAW_GATEWAY_TOKEN: gateway.token ?? "",
    OPENCLAW_GATEWAY_PORT: gatewayPort,
  };
  children.push(spawn("sh", [join(folder, "start-prometheus.sh"), ...flags], { stdio: "ignore", env }));
  return { port, folder };
}

test("a real Prometheus reads a controller that keeps a sandbox and a gateway behind its token, and every panel of the dashboard shows data", async (context) => {
  if (!isThere(PROMETHEUS) || !isThere(PROMTOOL))
    return context.skip(`there is no ${PROMETHEUS} or ${PROMTOOL} (scripts/ensure-prometheus.sh brings both)`);
  const site = await createSite();
  await site.writeConfig(eager());
  const metricsPort = await freePort();
  spawnController(site, "--metrics-listen", `127.0.0.1:${metricsPort}`);
  const gateway = await spawnGateway(site);
  const { port, folder } = await startPrometheus(metricsPort, gateway);
  await site.serves("agent:main");

  const metrics = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
  expect(execFileSync(PROMTOOL, ["check", "metrics"], { input: metrics, encoding: "utf8" })).toBe("");

  const holds = async (expression: string): Promise<boolean> => ((await query(port, expression)) ?? []).length > 0;
  for (const job of ["openclaw-controller", "openclaw-gateway"]) {
    await until(`Prometheus says that ${job} is up`, () => holds(`up{job="${job}"} == 1`));
  }
  expect((await stat(join(folder, "run", "gateway-token"))).mode & 0o777).toBe(0o600);
  await until("Prometheus counts one ready sandbox", () => holds('sum(openclaw_sandboxes{state="ready"}) == 1'));
  await until("the controller says that it is ready", () => holds("min(openclaw_ready) == 1"));
  await until("the sandbox's convergence is counted", () => holds("sum(openclaw_sandbox_convergence_seconds_count) >= 1"));

  // What is shown only while something is wrong, or was just changed, is asked without that condition.
  const queries = queriesOf(await readDashboard()).filter(({ expression }) => !expression.startsWith("ALERTS"));
  expect(queries.length).toBeGreaterThan(60);
  for (const { of, expression } of queries) {
    await until(`"${of}" has data: ${expression}`, () => holds(expression.replaceAll(" > 0", "")));
  }
});
