// A real Prometheus reads the metrics of a real controller process, and promtool finds nothing to complain about.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { containersWith, until } from "../src/controller/fixtures/docker.fixture.ts";
import { createSite, eager } from "../src/controller/fixtures/site.fixture.ts";

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

/** A port that was free a moment ago: Prometheus does not say which one it took. */
async function findPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("a bound server has an address");
  return address.port;
}

async function query(port: number, expression: string): Promise<string | null> {
  const response = await fetch(`http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(expression)}`).catch(() => null);
  if (response === null || !response.ok) return null;
  const body: { data?: { result?: { value?: [number, string] }[] } } = JSON.parse(await response.text());
  return body.data?.result?.[0]?.value?.[1] ?? null;
}

test("a real Prometheus scrapes a controller that keeps a sandbox, and promtool check metrics is clean", async (context) => {
  if (!isThere(PROMETHEUS) || !isThere(PROMTOOL))
    return context.skip(`there is no ${PROMETHEUS} or ${PROMTOOL} (scripts/ensure-prometheus.sh brings both)`);
  const site = await createSite();
  await site.writeConfig(eager());
  const metricsPort = await findPort();
  const launcher = new URL("../bin/openclaw", import.meta.url).pathname;
  const options = [
    "--state-dir",
    site.stateDir,
    "--config",
    site.configPath,
    "--instance",
    site.instance,
    "--metrics-listen",
    `127.0.0.1:${metricsPort}`,
  ];
  const controller = spawn(launcher, ["controller", ...options], { stdio: "ignore" });
  site.atEnd(async () => controller.kill("SIGKILL"));
  await site.serves("agent:main");

  const metrics = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
  expect(execFileSync(PROMTOOL, ["check", "metrics"], { input: metrics, encoding: "utf8" })).toBe("");

  const folder = await mkdtemp(join(tmpdir(), "openclaw-prometheus-"));
  folders.push(folder);
  const config = {
    global: { scrape_interval: "1s" },
    scrape_configs: [{ job_name: "openclaw", static_configs: [{ targets: [`127.0.0.1:${metricsPort}`] }] }],
  };
  await writeFile(join(folder, "prometheus.yml"), JSON.stringify(config));
  const port = await findPort();
  children.push(
    spawn(
      PROMETHEUS,
      [`--config.file=${folder}/prometheus.yml`, `--storage.tsdb.path=${folder}/data`, `--web.listen-address=127.0.0.1:${port}`],
      {
        stdio: "ignore",
      },
    ),
  );
  await until("Prometheus says that the controller is up", async () => (await query(port, 'up{job="openclaw"}')) === "1");
  await until("Prometheus counts one ready sandbox", async () => (await query(port, 'sum(openclaw_sandboxes{state="ready"})')) === "1");
  expect(await query(port, 'openclaw_sandbox_convergence_seconds_count{trigger="config"}')).not.toBeNull();
  expect((await containersWith(`openclaw.instance=${site.instance}`)).length).toBe(1);
});
