// The alerts that are delivered: they fire on what they are for, each tells a person what to do, and they ask for metrics that exist.
// Whether a metric has the right value is asked where it is made.
import { execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { toDurationMs } from "../src/api/brands.ts";
import { ControllerMetrics } from "../src/controller/metrics.ts";
import { GatewayMetrics } from "../src/gateway/metrics.ts";

const FOLDER = "manifests/monitoring";
const rules = await readFile(`${FOLDER}/alerts.yml`, "utf8");
const names = (pattern: RegExp, text: string): string[] => [...new Set([...text.matchAll(pattern)].map(([, name]) => name ?? ""))].sort();
const alerts = names(/^ +- alert: (\w+)$/gm, rules);

test("every alert has a section in the runbooks, and every section an alert", async () => {
  expect(alerts.length).toBeGreaterThan(0);
  expect(names(/^## (\w+)$/gm, await readFile("docs/runbooks.md", "utf8"))).toEqual(alerts);
  expect(names(/runbook_url: docs\/runbooks\.md#(\w+)$/gm, rules)).toEqual(alerts.map((name) => name.toLowerCase()).sort());
});

test("every alert is tried: it fires, and it is silent on what is normal", async () => {
  const tests = (await Promise.all(["alerts", "alerts-days"].map((name) => readFile(`${FOLDER}/${name}.test.yml`, "utf8")))).join("");
  expect(names(/^ {2}- name: (\w+) fires/gm, tests)).toEqual(alerts);
  expect(names(/^ {2}- name: (\w+) is silent/gm, tests)).toEqual(alerts);
});

test("every metric that an alert asks for is one that the controller or the gateway has", async () => {
  const controller = new ControllerMetrics({ version: "1", revision: "1", processMetrics: false });
  const none = toDurationMs(0);
  const idle = {
    depth: { live: 0, change: 0, resync: 0 },
    active: 0,
    delayed: 0,
    unfinishedMs: none,
    longestRunningMs: none,
    oldestWaitMs: none,
  };
  controller.loop.watch({ stats: () => idle }, 1);
  const gateway = new GatewayMetrics({ version: "1", revision: "1", processMetrics: false });
  const scrape = (await Promise.all([controller.registry.renderText(), gateway.registry.renderText()])).join("");
  const existing = new Set(names(/^(\w+)[{ ]/gm, scrape));
  const asked = names(/\b((?:openclaw|workqueue|controller_runtime)_\w+)/g, rules);
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
