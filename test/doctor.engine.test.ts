// `openclaw doctor` and `sandbox explain` as a person runs them, beside a controller that is a process of its own over a real engine.
// Single judgements are controller/doctor/*.test.ts, the words of an explanation controller/views/explain.test.ts.
import { expect, test } from "vitest";
import { z } from "zod";
import { until } from "../src/controller/fixtures/docker.fixture.ts";
import { spawnController } from "../src/controller/fixtures/process.fixture.ts";
import { createSite, eager, type Site } from "../src/controller/fixtures/site.fixture.ts";
import { cli, startCli } from "./cli.fixture.ts";

const Findings = z.object({ findings: z.array(z.object({ check: z.string(), level: z.string() })) });

async function startSite(): Promise<Site> {
  const site = await createSite();
  await site.writeConfig(eager({ docker: { env: { TOKEN: "hunter2" } } }));
  spawnController(site);
  await site.serves("agent:main");
  await until("the controller is ready", async () => (await cli(["status"], { stateDir: site.stateDir })).code === 0);
  return site;
}

test("beside a controller the doctor answers through it, and its probe is gone while the sandbox serves on", async () => {
  const site = await startSite();
  const before = await site.containers();
  const { stdout, code } = await cli(["doctor", "--json"], { stateDir: site.stateDir });
  const { findings } = Findings.parse(JSON.parse(stdout));
  expect(code).toBe(findings.some(({ level }) => level === "fail") ? 1 : 0);
  for (const check of ["controller", "leftovers", "probe", "path-mapping", "exec-root", "workspaces"])
    expect(findings.filter((finding) => finding.check === check)).toEqual([expect.objectContaining({ level: "ok" })]);
  expect(await site.containers()).toEqual(before);
});

test("explain shows the container, by what it is in use, and what waits for that", async () => {
  const site = await startSite();
  const explain = async (): Promise<string> => (await cli(["sandbox", "explain", "--agent", "main"], { stateDir: site.stateDir })).stdout;
  expect(await explain()).toMatch(/State: +running since \S+ \(\w+\) as user \d+:\d+/);
  const run = startCli(["sandbox", "exec", "main", "--", "sh", "-c", "echo up; sleep 300"], { stateDir: site.stateDir });
  await until("the command runs", () => run.printed.includes("up"));
  await site.writeConfig(eager({ docker: { env: { TOKEN: "hunter3" } } }));
  const text = await until("the change is seen", async () => {
    const now = await explain();
    // What comes next is the last pass's; what differs is compared now.
    return now.includes("docker.env.TOKEN changed") && /docker\.env\.TOKEN +\(hidden\) +\(hidden\) +recreate/.test(now) ? now : null;
  });
  expect(text).toContain("now, by 1 command or stream through the controller");
  expect(text).not.toContain("hunter");
  run.signal("SIGHUP");
  await run.ended;
});
