// Rules about the browser that runs beside a sandbox: what it would reach, its ports, and what this product never does. Those that any container has are
// rules-container.ts and rules-mounts.ts.
import { decideTool, renderRefusal, toToolPolicy } from "../tool-policy.ts";
import type { Agent, Config } from "./config.ts";
import { type EffectiveSandbox, toConfigKey } from "./effective.ts";
import { EGRESS_PORT } from "./egress.ts";
import type { Reporter } from "./reporter.ts";

export function checkBrowser(config: Config, { agent, sandbox }: { agent: Agent; sandbox: EffectiveSandbox }, reporter: Reporter): void {
  if (sandbox.browser.allowHostControl)
    reporter.addFor(sandbox, "browser.allowHostControl", {
      severity: "error",
      message: "refused: no browser runs on the host, and an agent that drove one would be outside of its sandbox",
      fix: "remove it",
    });
  if (!sandbox.browser.enabled) return;
  checkPolicy(config, { agent, sandbox }, reporter);
  checkReach(sandbox, reporter);
  checkPorts(sandbox, reporter);
  if (sandbox.browser.noSandbox)
    reporter.addFor(sandbox, "browser.noSandbox", {
      severity: "warning",
      message: "a page that takes over Chromium has all that is in the browser's container, its workspace among it",
      fix: "remove it where openclaw doctor finds that Chromium's own sandbox works",
    });
  if (sandbox.browser.cdpSourceRange !== null)
    reporter.addFor(sandbox, "browser.cdpSourceRange", {
      severity: "warning",
      message: `whoever has an address in ${sandbox.browser.cdpSourceRange} drives the browser, and needs no password`,
      fix: "remove it: the gateway reaches the browser without it",
    });
}

function checkPolicy(config: Config, { agent, sandbox }: { agent: Agent; sandbox: EffectiveSandbox }, reporter: Reporter): void {
  const decision = decideTool(toToolPolicy(config, { agentId: agent.id, sandbox }), "browser");
  if (decision.allowed || sandbox.mode === "off") return;
  reporter.addFor(sandbox, "browser.enabled", { severity: "warning", message: `no browser is started: ${renderRefusal(decision)}` });
}

function checkReach(sandbox: EffectiveSandbox, reporter: Reporter): void {
  const { network } = sandbox.browser;
  if (network === null && sandbox.egress === null)
    reporter.addFor(sandbox, "browser.enabled", {
      severity: "warning",
      message: "the browser reaches nothing: browser.network is unset, and there is no egress list",
      fix: `list what it may reach in ${toConfigKey(sandbox, "egress.allow")}; or set ${toConfigKey(sandbox, "browser.network")}: "bridge", with which it reaches everything`,
    });
  if (network !== null && network !== "none" && sandbox.egress !== null)
    reporter.addFor(sandbox, "browser.network", {
      severity: "warning",
      message: `with the network ${JSON.stringify(network)} the browser reaches everything past the egress list`,
      fix: "remove it: the browser then has the list",
    });
}

function checkPorts(sandbox: EffectiveSandbox, reporter: Reporter): void {
  const { cdpPort, vncPort, noVncPort } = sandbox.browser;
  const taken = new Map<number, string>([[EGRESS_PORT, "the egress proxy's"]]);
  for (const [key, port] of Object.entries({ cdpPort, vncPort, noVncPort })) {
    const holder = taken.get(port);
    if (holder !== undefined)
      reporter.addFor(sandbox, `browser.${key}`, { severity: "error", message: `the port ${port} is ${holder} already` });
    taken.set(port, `browser.${key}`);
  }
}
