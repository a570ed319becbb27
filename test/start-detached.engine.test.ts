// `start --detach` on a real engine: both processes are up when it answers, outlive it, and are gone after `stop`.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { makeStateDir } from "../src/controller/servers/server.fixture.ts";
import { cli } from "./cli.fixture.ts";
import { run } from "./run-program.ts";

test("both run in the background until stop, and their log is where it says", async () => {
  const stateDir = makeStateDir();
  writeFileSync(join(stateDir, "openclaw.json"), '{ gateway: { mode: "local" }, agents: { list: [{ id: "main" }] } }', {
    mode: 0o600,
  });
  const env = { ...process.env, OPENCLAW_STATE_DIR: stateDir } as Record<string, string>;
  onTestFinished(async () => void (await cli(["stop"], { stateDir })));
  const started = await run(
    process.execPath,
    [join(import.meta.dirname, "../src/cli/main.ts"), "start", "--detach", "--port", "0", "--metrics-listen", "127.0.0.1:0"],
    { env },
  );
  expect(started).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Running in the background \(pid \d+\); log: (\S+)\n/) });
  expect(readFileSync(/log: (\S+)/.exec(started.stdout)?.[1] ?? "", "utf8")).toContain("controller started");
  expect((await cli(["status"], { stateDir })).stdout).toContain("Controller:");
  expect(await cli(["health"], { stateDir })).toMatchObject({ stdout: expect.stringContaining("Gateway at ") });
  expect(await cli(["stop"], { stateDir })).toMatchObject({ code: 0 });
  expect(await cli(["status"], { stateDir })).toMatchObject({ code: 1 });
});
