// The public conformance suite of the Model Context Protocol against a gateway as a person starts it, without a controller: no tool is called
// that would need one. What fails, and why, stands in mcp-expected-failures.yml.
import { join } from "node:path";
import { expect, test } from "vitest";
import { createFolderSite } from "../src/controller/fixtures/site.fixture.ts";
import { spawnGateway } from "./gateway.fixture.ts";
import { run } from "./run-program.ts";

const SUITE = join(import.meta.dirname, "..", "node_modules", "@modelcontextprotocol", "conformance", "dist", "index.js");
const EXPECTED_FAILURES = join(import.meta.dirname, "mcp-expected-failures.yml");
const SCENARIOS_MS_MAX = 60_000;

test(
  "the MCP conformance suite passes, DNS rebinding included, but for what asks for the suite's own samples",
  async () => {
    const site = await createFolderSite();
    // The suite sends no token. That is let through on loopback only.
    await site.writeConfig({ gateway: { auth: { mode: "none" } }, agents: { defaults: { sandbox: { mode: "all" } } } });
    const { url } = await spawnGateway(site);
    const args = [SUITE, "server", "--url", `${url}/mcp`, "--expected-failures", EXPECTED_FAILURES];
    const { code, stdout, stderr } = await run(process.execPath, args, { cwd: site.stateDir, env: { PATH: process.env.PATH ?? "" } });
    expect({ code, told: `${stdout}${stderr}`.slice(-4_000) }).toMatchObject({ code: 0 });
    for (const scenario of ["server-initialize", "ping", "tools-list", "logging-set-level", "dns-rebinding-protection"])
      expect(stdout).toContain(`✓ ${scenario}`);
  },
  SCENARIOS_MS_MAX,
);
