// The doctor on the engine of this machine, as a person runs it: what is planted is found with its fix, and nothing is left behind.
// Judgements of facts that can't be planted here are checks.test.ts.
import { chmod, chown, mkdir, readdir } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Finding } from "../../api/finding.ts";
import { createSite, eager, type Site } from "../fixtures/site.fixture.ts";
import { runDoctor } from "../main.ts";

const examineSite = async ({ stateDir, configPath, instance }: Site): Promise<Finding[]> =>
  (await runDoctor({ stateDir, configPath, instance, home: homedir() })).findings;

const of = (findings: readonly Finding[], check: Finding["check"]): Finding[] => findings.filter((finding) => finding.check === check);

async function expectNothingLeft(site: Site): Promise<void> {
  expect(await site.containers()).toEqual([]);
  expect((await readdir(site.stateDir)).filter((name) => name.startsWith(".openclaw-doctor-"))).toEqual([]);
}

test("without a controller the doctor finds the engine, tries a container as the sandboxes' user, and leaves nothing", async () => {
  const site = await createSite();
  await site.writeConfig(eager());
  const findings = await examineSite(site);
  expect(of(findings, "engine")[0]?.message).toContain("docker");
  for (const check of ["images", "seccomp", "probe", "path-mapping", "exec-root", "workspaces", "state-folder", "config"] as const) {
    expect(of(findings, check).map(({ level }) => level)).toEqual(["ok"]);
  }
  await expectNothingLeft(site);
});

test("a workspace that the container's user can't write to is found with the chown that mends it", async (context) => {
  if (process.getuid?.() !== 0) context.skip("only root can give folders away");
  const site = await createSite();
  const workspace = join(site.stateDir, "workspace");
  await site.writeConfig(eager({ workspaceAccess: "rw", docker: { user: "4321:4321" } }));
  await mkdir(workspace, { mode: 0o700 });
  const fix = `chown -R 4321:4321 ${workspace}`;
  expect(of(await examineSite(site), "workspaces")).toEqual([expect.objectContaining({ level: "fail", fix })]);
  await chown(workspace, 4321, 4321);
  expect(of(await examineSite(site), "workspaces")).toEqual([expect.objectContaining({ level: "ok" })]);
  expect(await readdir(workspace)).toEqual([]);
  await expectNothingLeft(site);
});

test("an agent workspace that the container's user can't read is found with the chmod that mends it", async () => {
  const site = await createSite();
  const [workspace, scope] = [join(site.stateDir, "workspace"), join(site.stateDir, "sandboxes", "shared")];
  await site.writeConfig(eager({ scope: "shared", workspaceAccess: "ro", docker: { user: "4321:4321" } }));
  await mkdir(workspace, { mode: 0o700 });
  await mkdir(scope, { recursive: true, mode: 0o777 });
  await chmod(scope, 0o777);
  const fix = `chmod -R a+rX ${workspace}`;
  expect(of(await examineSite(site), "workspaces")).toContainEqual(expect.objectContaining({ level: "fail", fix }));
  await chmod(workspace, 0o755);
  expect(of(await examineSite(site), "workspaces")).toEqual([expect.objectContaining({ level: "ok" })]);
  await expectNothingLeft(site);
});

test("a config that others can write, an image and a runtime that are not there are each found with their fix", async () => {
  const site = await createSite();
  await site.writeConfig(eager({ docker: { image: "openclaw-doctor-none:1", runtime: "no-such-runtime" } }));
  const findings = await examineSite(site);
  expect(of(findings, "images")).toEqual([
    expect.objectContaining({ level: "fail", fix: expect.stringContaining("docker pull openclaw-doctor-none:1") }),
  ]);
  expect(of(findings, "runtimes")).toEqual([expect.objectContaining({ level: "fail", fix: expect.stringContaining("daemon.json") })]);
  await chmod(site.configPath, 0o666);
  expect(of(await examineSite(site), "config")[0]).toMatchObject({ level: "fail", fix: `chmod go-w ${site.configPath}` });
  await expectNothingLeft(site);
});

test("a container that the engine refuses to run is told with the engine's reason", async () => {
  const site = await createSite();
  await site.writeConfig(eager({ docker: { seccompProfile: join(site.stateDir, "none.json") } }));
  const [finding] = of(await examineSite(site), "workspaces");
  expect(finding).toMatchObject({ level: "fail", message: expect.stringContaining("none.json") });
});
