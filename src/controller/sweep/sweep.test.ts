// The sweep in the running controller, over a model of an engine: which folders and objects go, which never do, and what is measured.

import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { renderTime, type SandboxName, toContainerId, toEpochMs, toSandboxUid, toScopeKey } from "../../api/brands.ts";
import { LABEL } from "../../api/labels.ts";
import { toContainerName } from "../../api/names.fixture.ts";
import { toSlug } from "../../api/names.ts";
import { until } from "../fixtures/docker.fixture.ts";
import { createModel, type Model } from "../fixtures/model.fixture.ts";
import { eventsOf, onDemand } from "../fixtures/site.fixture.ts";

const configOf = (more: object = {}): object =>
  onDemand({ scope: "session", rollout: { hotWindow: "0s" }, prune: { workspaces: "delete" }, ...more });

const PREFIX = "openclaw-sbx-";
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const folderOf = (model: Model, name: string, root = join(model.site.stateDir, "sandboxes")): string =>
  join(root, toSlug(model.site.instance, toScopeKey(`agent:main:${name}`)));
const metric = (model: Model, kind: string): Promise<number> => model.metric(`openclaw_sandbox_unowned_objects{kind="${kind}"}`);

/** A controller beside the sessions `chat` and `other`, whose sandboxes serve and whose folders hold a file. */
async function startChats(config = configOf(), root?: string): Promise<Model> {
  const model = await createModel();
  await model.site.writeConfig(config);
  for (const name of ["chat", "other"]) await model.site.putSession("main", name, { createdAt: model.clock.now() });
  await model.start();
  await model.converge(2);
  for (const name of ["chat", "other"]) await writeFile(join(folderOf(model, name, root), "note"), name);
  return model;
}

const isHeard = async (model: Model, holds: (names: number) => boolean): Promise<void> =>
  void (await until("the sessions are heard", () => holds(model.controller.desired.names().length)));

async function end(model: Model, name: string): Promise<void> {
  const at = model.clock.now();
  await model.site.putSession("main", name, { createdAt: at, endedAt: at });
  await isHeard(model, (count) => count === 1);
}

async function sweep(model: Model, times = 1): Promise<void> {
  for (let turn = 0; turn < times; turn += 1) {
    await model.advance(MINUTE_MS + 1_000, 1_000);
    await model.controller.sweep.run();
  }
}

describe("the folder of a session", () => {
  it("that ended goes with all that is in it, and no other does", async () => {
    const model = await startChats();
    await end(model, "chat");
    await sweep(model, 3);
    expect(existsSync(folderOf(model, "chat"))).toBe(false);
    expect(await readFile(join(folderOf(model, "other"), "note"), "utf8")).toBe("other");
    const owners = (await readdir(join(model.site.stateDir, "sandboxes", ".owners"))).filter((name) => name.endsWith(".json"));
    expect(owners).toHaveLength(1);
    expect(await readdir(join(model.site.stateDir, "sandboxes", ".openclaw-removing"))).toEqual([]);
    expect(eventsOf(model.controller, "WorkspaceRemoved")).toHaveLength(1);
    expect(await metric(model, "workspace")).toBe(0);
  });

  it("whose file just vanished goes a day later, across a restart, and not at all when the file is back", async () => {
    const model = await startChats();
    await model.site.removeSession("main", "chat");
    await isHeard(model, (count) => count === 1);
    await sweep(model, 3);
    expect(existsSync(folderOf(model, "chat"))).toBe(true);
    expect(await metric(model, "workspace")).toBe(1);
    expect(eventsOf(model.controller, "WorkspaceReleased").map(({ type, count }) => [type, count])).toEqual([["Warning", 1]]);
    await model.site.putSession("main", "chat", { createdAt: model.clock.now() });
    await isHeard(model, (count) => count === 2);
    await sweep(model);
    await model.site.removeSession("main", "chat");
    await isHeard(model, (count) => count === 1);
    await sweep(model, 2);
    await model.stop();
    await model.clock.advance(DAY_MS / 2);
    await model.start();
    await sweep(model);
    expect(existsSync(folderOf(model, "chat"))).toBe(true);
    await model.stop();
    await model.clock.advance(DAY_MS / 2);
    await model.start();
    await sweep(model);
    expect(existsSync(folderOf(model, "chat"))).toBe(false);
  });

  it("stays where the config says keep, where it says nothing, and where the session is only idle", async () => {
    const model = await startChats(configOf({ prune: { workspaces: "delete", idleHours: 0.01 } }));
    await model.until("idleness took the containers", () => model.containers().length === 0);
    await sweep(model, 3);
    await model.edit(configOf({ prune: {} }));
    await end(model, "chat");
    await sweep(model, 3);
    for (const name of ["chat", "other"]) expect(existsSync(join(folderOf(model, name), "note"))).toBe(true);
    expect((await model.controller.sweep.observe()).map(({ fate }) => fate)).toEqual(["kept"]);
    expect(await metric(model, "workspace")).toBe(0);
  });

  it("goes from under a workspaceRoot of one's own too", async () => {
    const model = await createModel();
    const root = join(model.site.stateDir, "workspace-team");
    await model.site.writeConfig(configOf({ workspaceRoot: root }));
    for (const name of ["chat", "other"]) await model.site.putSession("main", name, { createdAt: model.clock.now() });
    await model.start();
    await model.converge(2);
    await end(model, "chat");
    await sweep(model, 3);
    expect(existsSync(folderOf(model, "chat", root))).toBe(false);
    expect(existsSync(folderOf(model, "other", root))).toBe(true);
  });
});

describe("a folder is never removed", () => {
  it("that has no owner marker of ours, or one that says something else", async () => {
    const model = await startChats();
    const root = join(model.site.stateDir, "sandboxes");
    const owners = join(root, ".owners");
    const marker = JSON.parse(await readFile(join(owners, (await readdir(owners)).find((name) => name.endsWith(".json")) ?? ""), "utf8"));
    await mkdir(join(root, "upstream-1"));
    await mkdir(join(root, "forged"));
    await writeFile(join(owners, "forged.json"), JSON.stringify({ ...marker, scopeKey: "agent:main:none" }));
    await writeFile(join(owners, "...json"), JSON.stringify({ ...marker, scopeKey: "agent:main:none", path: root }));
    await mkdir(folderOf(model, "theirs"));
    await writeFile(
      join(owners, `${toSlug(model.site.instance, toScopeKey("agent:main:theirs"))}.json`),
      JSON.stringify({ ...marker, instance: "ffffffffffff", scopeKey: "agent:main:theirs" }),
    );
    await sweep(model, 3);
    for (const path of [root, join(root, "upstream-1"), join(root, "forged"), folderOf(model, "theirs")])
      expect(existsSync(path)).toBe(true);
  });

  it("that somebody put there before the sandbox came", async () => {
    const model = await createModel();
    await model.site.writeConfig(configOf());
    await mkdir(folderOf(model, "chat"), { recursive: true });
    await chmod(folderOf(model, "chat"), 0o777);
    for (const name of ["chat", "other"]) await model.site.putSession("main", name, { createdAt: model.clock.now() });
    await model.start();
    await model.converge(2);
    await end(model, "chat");
    await sweep(model, 3);
    expect(existsSync(folderOf(model, "chat"))).toBe(true);
  });

  it("through a symlink that took its place", async () => {
    const model = await startChats();
    const elsewhere = join(model.site.stateDir, "elsewhere");
    await rename(folderOf(model, "chat"), elsewhere);
    await symlink(elsewhere, folderOf(model, "chat"));
    await end(model, "chat");
    await sweep(model, 3);
    expect(await readFile(join(elsewhere, "note"), "utf8")).toBe("chat");
    expect(eventsOf(model.controller, "WorkspaceRemoved")).toEqual([]);
  });

  it("that a note in a folder which others can write says is ours", async () => {
    const model = await startChats();
    const owners = join(model.site.stateDir, "sandboxes", ".owners");
    await chmod(owners, 0o777);
    await end(model, "chat");
    await sweep(model, 3);
    expect(existsSync(join(folderOf(model, "chat"), "note"))).toBe(true);
    await chmod(owners, 0o700);
    await sweep(model, 3);
    expect(existsSync(folderOf(model, "chat"))).toBe(false);
  });

  it("that is an agent's own, by another name", async () => {
    const model = await startChats();
    const bound = folderOf(model, "chat");
    // By its own name the config would be refused.
    const link = await mkdtemp(join(tmpdir(), "openclaw-link-"));
    onTestFinished(async () => await rm(link, { recursive: true, force: true }));
    await symlink(join(model.site.stateDir, "sandboxes"), join(link, "boxes"));
    await end(model, "chat");
    const list = [{ id: "main" }, { id: "reader", workspace: join(link, "boxes", basename(bound)) }];
    const config = configOf();
    await model.edit({ agents: { ...(config as { agents: object }).agents, list } });
    expect(model.controller.config.view.issues.filter(({ severity }) => severity === "error")).toEqual([]);
    await sweep(model, 4);
    expect(existsSync(join(bound, "note"))).toBe(true);
    expect((await model.controller.sweep.observe())[0]?.because).toContain("agent reader, whose workspace it is");
  });
});

it("a folder too large for one sweep goes over several, also when the controller ends in between", async () => {
  const model = await startChats();
  for (let index = 0; index < 30; index += 1) await mkdir(join(folderOf(model, "chat"), `d${index}`, "deep"), { recursive: true });
  await end(model, "chat");
  await model.advance(MINUTE_MS, 1_000);
  await model.stop();
  // As a kill between setting it aside and emptying it leaves it.
  const root = join(model.site.stateDir, "sandboxes");
  await mkdir(join(root, ".openclaw-removing"), { recursive: true, mode: 0o700 });
  await rename(folderOf(model, "chat"), join(root, ".openclaw-removing", `openclaw-${crypto.randomUUID()}`));
  await model.start();
  await sweep(model, 3);
  expect(await readdir(join(root, ".openclaw-removing"))).toEqual([]);
  expect((await readdir(join(root, ".owners"))).filter((name) => name.endsWith(".json"))).toHaveLength(1);
});

describe("networks and volumes", () => {
  it("of a sandbox that is gone go at the second look, those in use or of strangers stay, and each is counted", async () => {
    const model = await startChats();
    const { instance } = model.site;
    const gone = model.site.nameOf("agent:main:gone");
    const live = model.site.nameOf("agent:main:chat");
    const add = (kind: "network" | "volume", name: string, owner: string | null): void =>
      void model.world.objects.push({
        kind,
        ref: name,
        name,
        createdAt: toEpochMs(model.clock.now() - 10 * MINUTE_MS),
        labels: { [LABEL.instance]: instance, ...(owner === null ? {} : { [LABEL.name]: owner }) },
      });
    add("network", `${gone}.net`, gone);
    add("network", `${live}.net`, live);
    add("network", "my-network", null);
    add("volume", `${gone}.data`, gone);
    add("volume", "my-data", gone);
    await model.controller.sweep.run();
    expect([await metric(model, "network"), await metric(model, "volume"), await metric(model, "container")]).toEqual([1, 1, 0]);
    await model.controller.sweep.run();
    expect(model.world.objects.map(({ name }) => name).sort()).toEqual(["my-data", "my-network", `${live}.net`].sort());
    await model.controller.sweep.run();
    expect([await metric(model, "network"), await metric(model, "volume")]).toEqual([0, 0]);
  });
});

describe("the count of what is unowned", () => {
  const gone = "openclaw-sbx-agent-gone-0123456789abcdef";
  const add = (model: Model): void => {
    const labels = { [LABEL.instance]: model.site.instance, [LABEL.name]: gone };
    model.world.objects.push({ kind: "network", ref: `${gone}.net`, name: `${gone}.net`, labels, createdAt: toEpochMs(0) });
  };

  it("falls with the removal, not at the sweep after it", async () => {
    const model = await startChats();
    add(model);
    await model.controller.sweep.run();
    expect(await metric(model, "network")).toBe(1);
    await model.controller.sweep.run();
    expect([model.world.objects.length, await metric(model, "network")]).toEqual([0, 0]);
  });

  it("falls within seconds of a removal by somebody else", async () => {
    const model = await startChats();
    add(model);
    await model.controller.sweep.observe();
    expect(await metric(model, "network")).toBe(1);
    model.world.objects.length = 0;
    await model.until("it has fallen", async () => (await metric(model, "network")) === 0, 10_000);
  });
});

describe("what is unowned", () => {
  type Created = "now" | "long ago" | "at a time that nobody knows";

  function put(model: Model, name: string, owner: SandboxName, created: Created = "long ago"): void {
    const now = model.clock.now();
    const createdAt = created === "at a time that nobody knows" ? null : toEpochMs(created === "now" ? now : now - 10 * MINUTE_MS);
    const labels = { [LABEL.instance]: model.site.instance, [LABEL.name]: owner };
    model.world.objects.push({ kind: "volume", ref: name, name, createdAt, labels });
  }

  const volumes = (model: Model): string[] => model.world.objects.map(({ name }) => name).sort();

  it("is removed at the second of two sightings in a row, never at one", async () => {
    const model = await startChats();
    const owner = model.site.nameOf("agent:main:later");
    put(model, `${owner}.data`, owner);
    await model.controller.sweep.run();
    expect(volumes(model)).toEqual([`${owner}.data`]);
    // Wanted for a while: what was seen before does not count any more.
    await model.site.putSession("main", "later", { createdAt: model.clock.now() });
    await isHeard(model, (count) => count === 3);
    await model.controller.sweep.run();
    await model.site.putSession("main", "later", { createdAt: model.clock.now(), endedAt: model.clock.now() });
    await isHeard(model, (count) => count === 2);
    await model.controller.sweep.run();
    expect(volumes(model)).toEqual([`${owner}.data`]);
    await model.controller.sweep.run();
    expect(volumes(model)).toEqual([]);
  });

  it("is left alone for a minute after it was made, and for good where nobody knows when that was", async () => {
    const model = await startChats();
    const owner = model.site.nameOf("agent:main:gone");
    put(model, `${owner}.new`, owner, "now");
    put(model, `${owner}.ageless`, owner, "at a time that nobody knows");
    for (let look = 0; look < 3; look += 1) await model.controller.sweep.run();
    expect(volumes(model)).toEqual([`${owner}.ageless`, `${owner}.new`]);
    await sweep(model, 2);
    expect(volumes(model)).toEqual([`${owner}.ageless`]);
  });

  it("has a name that says whose it is: one that only begins alike is somebody else's", async () => {
    const model = await startChats();
    const owner = model.site.nameOf("agent:main:gone");
    put(model, `${owner}data`, owner);
    put(model, "data", owner);
    await sweep(model, 3);
    expect(volumes(model)).toEqual(["data", `${owner}data`].sort());
  });

  it("is no probe that looks right now; one that a crash left goes", async () => {
    const model = await startChats();
    const base = model.mustServe(model.site.nameOf("agent:main:chat"));
    const labels = { [LABEL.instance]: model.site.instance, [LABEL.probe]: "1" };
    const [id, createdAt] = [model.world.newId(), model.clock.now()];
    model.world.add({ ...base, id, name: "probe-1", labels, createdAt, networks: new Set(), execs: new Set(), ports: new Map() });
    for (let look = 0; look < 3; look += 1) await model.controller.sweep.run();
    expect(model.world.containers.has(id)).toBe(true);
    await sweep(model, 2);
    expect(model.world.containers.has(id)).toBe(false);
  });
});

describe("an entry of the ledger", () => {
  it("without a container is kept for a minute: its creation may be under way", async () => {
    const model = await startChats();
    const { ledger } = model.controller;
    const [known] = ledger.entries();
    if (known === undefined) throw new Error("there are two sandboxes");
    const uid = toSandboxUid(crypto.randomUUID());
    await ledger.record({ ...known, uid, containerId: null, createdAt: model.clock.now() });
    await model.controller.sweep.run();
    expect(ledger.byUid(uid)).toBeDefined();
    await sweep(model);
    expect(ledger.byUid(uid)).toBeUndefined();
    expect(ledger.entries()).toHaveLength(2);
  });

  it("that never got its container's id, or another one, is kept while a container has its uid", async () => {
    const model = await startChats();
    const { ledger } = model.controller;
    for (const containerId of [null, toContainerId("f".repeat(64))]) {
      await model.advance(2 * MINUTE_MS, 10_000);
      for (const entry of ledger.entries()) await ledger.record({ ...entry, containerId });
      await model.controller.sweep.run();
      expect(ledger.entries()).toHaveLength(2);
    }
  });
});

it("what an earlier process left is counted before the first sweep", async () => {
  const model = await startChats();
  await end(model, "chat");
  await model.stop();
  await rm(join(model.site.stateDir, "controller", "status"), { recursive: true });
  await model.start();
  await until("it is counted", async () => (await metric(model, "workspace")) === 1);
});

describe("a request about one sandbox", () => {
  it("goes a day after it was made when its sandbox is gone; of a sandbox that is there it stays, and so does a pin", async () => {
    const model = await startChats();
    const nameOf = (session: string): SandboxName => toContainerName(PREFIX, model.site.instance, toScopeKey(`agent:main:${session}`));
    const recreateAfter = renderTime(toEpochMs(model.clock.now() - 1));
    for (const session of ["chat", "other"]) await model.request(nameOf(session), { recreateAfter });
    await model.request(nameOf("never"), { pin: true, recreateAfter });
    const requests = async (): Promise<string[]> => (await readdir(join(model.site.stateDir, "requests"))).sort();
    await end(model, "chat");
    await sweep(model, 3);
    expect(await requests()).toHaveLength(3);
    await model.advance(DAY_MS, MINUTE_MS);
    await sweep(model);
    expect(await requests()).toEqual([nameOf("never"), nameOf("other")].map((name) => `${name}.request.json`).sort());
  });
});

it("the folder of workspaces of an earlier version is closed to other users of the host when the controller starts, new ones are made so", async () => {
  const model = await createModel();
  await model.site.writeConfig(configOf());
  const root = join(model.site.stateDir, "sandboxes");
  await mkdir(root);
  await chmod(root, 0o755);
  for (const name of ["chat", "other"]) await model.site.putSession("main", name, { createdAt: model.clock.now() });
  await model.start();
  await model.converge(2);
  const modeOf = async (path: string): Promise<string> => ((await stat(path)).mode & 0o777).toString(8);
  expect([await modeOf(root), await modeOf(join(root, ".owners")), await modeOf(folderOf(model, "chat"))]).toEqual(["700", "700", "700"]);
});
