// The delivered dashboard: Grafana can show it, a person can read it, and it asks for metrics that exist. That its queries find data is
// prometheus.engine.test.ts's.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { panelsOf, queriesOf, readDashboard, rowsOf } from "./dashboard.fixture.ts";
import { existingMetrics, namesIn } from "./metric-names.fixture.ts";

const dashboard = await readDashboard();
const panels = panelsOf(dashboard);
const rows = rowsOf(dashboard);
const queries = queriesOf(dashboard);

test("every panel has an id of its own, a title that no other has, a description, a unit and a legend for each of several lines", () => {
  const ids = [...panels, ...rows].map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  const titles = panels.map(({ title }) => title);
  expect(new Set(titles).size).toBe(titles.length);
  for (const { title, type, targets } of panels) {
    expect(new Set(targets.map(({ refId }) => refId)).size, title).toBe(targets.length);
    if (type === "timeseries")
      expect(
        targets.filter(({ legendFormat }) => legendFormat === ""),
        title,
      ).toEqual([]);
  }
});

test("no panel overlaps another one or leaves the page", () => {
  const taken = new Map<string, string>();
  for (const { title, gridPos } of [...panels, ...rows]) {
    const { x, y, w, h } = gridPos;
    expect(x + w, title).toBeLessThanOrEqual(24);
    for (let column = x; column < x + w; column += 1) {
      for (let line = y; line < y + h; line += 1) {
        expect(taken.get(`${column}/${line}`), `${title} and this are at one place`).toBeUndefined();
        taken.set(`${column}/${line}`, title);
      }
    }
  }
});

test("the data source, the controllers and the gateways are chosen above, and every query obeys", () => {
  expect(dashboard.templating.list.map(({ name, type }) => [name, type])).toEqual([
    ["datasource", "datasource"],
    ["controller", "query"],
    ["gateway", "query"],
  ]);
  for (const { title, targets } of panels) {
    for (const { expr } of targets) {
      const chosen = /instance=~"\$(controller|gateway)"/.test(expr) || /^(min\(up\{|count\(ALERTS|ALERTS|openclaw_build_info$)/.test(expr);
      expect(chosen || expr.includes('job=~"openclaw-controller|openclaw-gateway"'), `${title}: ${expr}`).toBe(true);
    }
  }
});

test("it shows every metric of the controller and the gateway", async () => {
  const asked = queries.map(({ expression }) => expression).join("\n");
  const families = new Set([...(await existingMetrics())].map((name) => name.replace(/_(bucket|sum|count)$/, "")));
  const ours = [...families].filter((name) => name.startsWith("openclaw_"));
  expect(ours.length).toBeGreaterThan(30);
  expect(ours.filter((name) => !asked.includes(name))).toEqual([]);
});

test("every metric that it asks for is one that exists, or that Prometheus makes of the rules", async () => {
  const existing = await existingMetrics();
  const rules = await readFile("manifests/monitoring/alerts.yml", "utf8");
  const known = new Set([...existing, ...namesIn(/^ +- record: (\S+)$/gm, rules), "up", "ALERTS"]);
  const definitions = dashboard.templating.list.flatMap(({ definition }) => definition ?? []);
  for (const expression of [...queries.map((query) => query.expression), ...definitions]) {
    const bare = expression.replaceAll(/"[^"]*"/g, '""').replaceAll(/\b(?:by|without) \([^)]*\)/g, "");
    const names = namesIn(
      /\b((?:openclaw|workqueue|controller_runtime|process|nodejs|up|ALERTS)\b[\w:]*|(?:openclaw|workqueue|controller_runtime|process|nodejs)_\w+)/g,
      bare,
    );
    expect(names.length, expression).toBeGreaterThan(0);
    expect(
      names.filter((name) => !known.has(name)),
      expression,
    ).toEqual([]);
  }
});

test("every query and the scrape config pass promtool", async (context) => {
  const promtool = process.env.PROMTOOL ?? "promtool";
  const folder = mkdtempSync(join(tmpdir(), "openclaw-promtool-"));
  try {
    execFileSync(promtool, ["--version"], { stdio: "ignore" });
    const rules = queries.map(({ expression }, at) => ({ record: `query:${at}`, expr: expression }));
    writeFileSync(join(folder, "queries.yml"), JSON.stringify({ groups: [{ name: "queries", rules }] }));
    expect(execFileSync(promtool, ["check", "rules", join(folder, "queries.yml")], { encoding: "utf8" })).toContain(
      `${rules.length} rules found`,
    );
    // It looks for the token's file, which is made at the start.
    const text = (await readFile("manifests/monitoring/prometheus.yml", "utf8")).replaceAll("/run/openclaw", folder);
    for (const file of ["gateway-token", "gateway.json"]) writeFileSync(join(folder, file), "[]");
    writeFileSync(join(folder, "alerts.yml"), await readFile("manifests/monitoring/alerts.yml"));
    writeFileSync(join(folder, "prometheus.yml"), text);
    expect(execFileSync(promtool, ["check", "config", join(folder, "prometheus.yml")], { encoding: "utf8" })).toContain("SUCCESS");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT")
      context.skip(`there is no ${promtool} (PROMTOOL names another one)`);
    throw error;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
