// An audit beside containers as another program makes them, careless ones and a careful one: each trouble is seen, nothing is changed.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { toEpochMs } from "../../api/brands.ts";
import { LABEL } from "../../api/labels.ts";
import { connectDocker } from "../engine/connect.ts";
import { docker, IMAGE, inspect, tryDocker, until } from "../fixtures/docker.fixture.ts";
import { buildEgressImage, EGRESS_IMAGE, removeEgress } from "../fixtures/egress.fixture.ts";
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
  const { ledger, egressLedger, desired } = controller;
  const folders = { stateDir, home: stateDir };
  const audited = await auditEngine({ now: () => toEpochMs(Date.now()), instance, folders, engine, ledger, egressLedger, desired });
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

it("compares the proxy and the relays of the egress with what they are made as, and finds a copy that is less confined", async () => {
  await buildEgressImage();
  const { site, controller } = await startSite(eager({ egress: { allow: ["example.com"] } }));
  const { instance, stateDir } = site;
  site.atEnd(() => removeEgress(instance));
  const idOf = async (role: string): Promise<string | null> => {
    const filters = [`label=${LABEL.instance}=${instance}`, `label=${LABEL.egress}=${role}`, "status=running"];
    return (await docker("ps", "-q", "--no-trunc", ...filters.flatMap((filter) => ["--filter", filter]))) || null;
  };
  const relay = await until("there is a relay", async () => await idOf("relay"));
  const proxy = await until("there is a proxy", async () => await idOf("proxy"));
  const engine = await connectDocker({ instance, environment: process.env, home: stateDir, observer: () => undefined });
  const { ledger, egressLedger, desired } = controller;
  const audit = async (id: string) => {
    const facts = { now: () => toEpochMs(Date.now()), instance, folders: { stateDir, home: stateDir } };
    return (await auditEngine({ ...facts, engine, ledger, egressLedger, desired })).find((one) => one.id === id);
  };
  for (const id of [relay, proxy]) expect(await audit(id)).toMatchObject({ owner: "this controller", findings: [] });
  // It would put right what the audit is to find.
  await controller.stop();
  await docker("update", "--memory=2g", "--memory-swap=2g", relay);
  const { name = "", findings = [] } = (await audit(relay)) ?? {};
  const changed = ["Memory is 2147483648, not 100663296", "MemorySwap is 2147483648, not 100663296"];
  expect(findings.map(({ message }) => message)).toEqual(changed.map((difference) => `it is not as it is made: ${difference}`));
  expect(findings[0]).toMatchObject({ level: "warn", fix: `docker rm -f ${name}` });
  const labels = Object.entries((await inspect(relay))?.Config.Labels ?? {}).flatMap(([key, value]) => ["--label", `${key}=${value}`]);
  const careless = ["--privileged", "--network=host", "--pid=host", "--volume=/var/run/docker.sock:/var/run/docker.sock", "--user=0:0"];
  const copy = await docker("create", ...labels, ...careless, EGRESS_IMAGE, "serve");
  const told = ((await audit(copy))?.findings ?? []).map(({ message }) => message).join("\n");
  for (const what of [
    "Privileged is true",
    "NetworkMode is host",
    "PidMode is set",
    "Binds is set",
    "runs as root",
    "CapDrop is unset",
    "was not created by it",
  ])
    expect(told).toContain(what);
});
