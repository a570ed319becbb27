// The alerts that are delivered: they fire on what they are for, each tells a person what to do, and they ask for metrics that exist.
// Whether a metric has the right value is asked where it is made.
import { execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { existingMetrics, namesIn } from "./metric-names.fixture.ts";

const FOLDER = "manifests/monitoring";
const rules = await readFile(`${FOLDER}/alerts.yml`, "utf8");
const alerts = namesIn(/^ +- alert: (\w+)$/gm, rules);

test("every alert has a section in the runbooks, and every section an alert", async () => {
  expect(alerts.length).toBeGreaterThan(0);
  expect(namesIn(/^## (\w+)$/gm, await readFile("docs/runbooks.md", "utf8"))).toEqual(alerts);
  expect(namesIn(/runbook_url: docs\/runbooks\.md#(\w+)$/gm, rules)).toEqual(alerts.map((name) => name.toLowerCase()).sort());
});

test("every alert is tried: it fires, and it is silent on what is normal", async () => {
  const tests = (await Promise.all(["alerts", "alerts-days"].map((name) => readFile(`${FOLDER}/${name}.test.yml`, "utf8")))).join("");
  expect(namesIn(/^ {2}- name: (\w+) fires/gm, tests)).toEqual(alerts);
  expect(namesIn(/^ {2}- name: (\w+) is silent/gm, tests)).toEqual(alerts);
});

test("every metric that an alert asks for is one that the controller or the gateway has", async () => {
  const existing = await existingMetrics();
  const asked = namesIn(/\b((?:openclaw|workqueue|controller_runtime)_\w+)/g, rules);
  expect(asked.length).toBeGreaterThan(10);
  expect(asked.filter((name) => !existing.has(name))).toEqual([]);
});

test("the rules pass promtool", (context) => {
  const promtool = process.env.PROMTOOL ?? "promtool";
  try {
    execFileSync(promtool, ["--version"], { stdio: "ignore" });
  } catch {
    context.skip(`there is no ${promtool} (PROMTOOL names another one)`);
  }
  const run = (...args: string[]): string => execFileSync(promtool, args, { cwd: FOLDER, encoding: "utf8" });
  expect(run("check", "rules", "alerts.yml")).toContain("SUCCESS");
  expect(run("test", "rules", "alerts.test.yml", "alerts-days.test.yml")).not.toContain("FAILED");
}, 60_000);
