// The smoke test of the containers, from nothing to nothing: a minute and a half, so it runs with the long tests alone.
import { resolve } from "node:path";
import { expect, test } from "vitest";
import { findCompose, variables } from "./compose.fixture.ts";
import { run } from "./run-program.ts";

const SCRIPT_MS_MAX = 600_000;

test(
  "scripts/e2e/onboard-docker.sh sets up, onboards, runs a tool, converges, survives kills, and leaves nothing",
  async ({ skip }) => {
    skip(process.env.OPENCLAW_TEST_LONG !== "1", "it takes minutes: OPENCLAW_TEST_LONG=1 runs it");
    skip((await findCompose()) === null, "there is neither docker compose nor docker-compose");
    const cwd = resolve(import.meta.dirname, "..");
    const { code, stdout, stderr } = await run("scripts/e2e/onboard-docker.sh", [], { cwd, env: variables(), timeoutMs: SCRIPT_MS_MAX });
    expect({ code, output: code === 0 ? "" : `${stdout}${stderr}` }).toEqual({ code: 0, output: "" });
  },
  SCRIPT_MS_MAX,
);
