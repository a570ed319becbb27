// An audit beside containers as another program makes them, careless ones and a careful one: each trouble is seen, nothing is changed.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { connectDocker } from "../engine/connect.ts";
import { docker, IMAGE, inspect, tryDocker } from "../fixtures/docker.fixture.ts";
import { eager, type Site, startSite } from "../fixtures/site.fixture.ts";
import { auditEngine } from "./container-audit.ts";

async function runAs(site: Site, name: string, ...flags: string[]): Promise<string> {
  const labels = ["--label", "openclaw.sandbox=1", "--label", `openclaw.sessionKey=agent:main:${name}`];
  const id = await docker(
    "run",
    "-d",
    "--init",
    "--name",
    `openclaw-test-${site.instance}-${name}`,
    ...labels,
    ...flags,
    IMAGE,
    "sleep",
    "600",
  );
  site.atEnd(() => tryDocker("rm", "-f", id));
  return id;
}

it("tells careless containers from careful ones, also of other programs, and changes none", async () => {
  const { site, controller } = await startSite(eager());
  const own = await site.serves("agent:main");
  const folder = join(site.stateDir, "elsewhere");
  await mkdir(folder);
  const careful = [
    "--read-only",
    "--user",
    "1000:1000",
    "--cap-drop",
    "ALL",
    "--security-opt",
    "no-new-privileges",
    "--pids-limit",
    "64",
    "--memory",
    "64m",
  ];
  const ids = [
    await runAs(site, "careful", ...careful, "--network", "none"),
    await runAs(
      site,
      "careless",
      "--user",
      "root",
      "--network",
      "host",
      "--pid",
      "host",
      "--cap-add",
      "SYS_PTRACE",
      "--security-opt",
      "seccomp=unconfined",
      "-v",
      "/var/run/docker.sock:/var/run/docker.sock",
    ),
  ];
  const before = await Promise.all(ids.map(inspect));
  const { instance, stateDir } = site;
  const engine = await connectDocker({ instance, environment: process.env, home: stateDir, observer: () => undefined });
  const { ledger, desired } = controller;
  const audited = await auditEngine({
    now: () => Date.now() as never,
    instance,
    folders: { stateDir, home: stateDir },
    engine,
    ledger,
    desired,
  });
  const of = (id: string) => audited.find((one) => one.id === id);
  expect(of(own.Id)).toMatchObject({ owner: "this controller", findings: [] });
  expect(of(ids[0] ?? "")).toMatchObject({ owner: "another program", state: "running", findings: [] });
  const told =
    of(ids[1] ?? "")
      ?.findings.map(({ message }) => message)
      .join("\n") ?? "";
  for (const what of [
    "network host",
    "pid host",
    "docker.sock",
    "SYS_PTRACE",
    "without seccomp",
    "runs as root",
    "writable",
    "any number of processes",
    "all memory",
  ])
    expect(told).toContain(what);
  expect(await Promise.all(ids.map(inspect))).toEqual(before);
});
