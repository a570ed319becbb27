// What an earlier version made under names with a 32-bit hash keeps name, container and files over the upgrade, and is never shared with
// another session whose name would have been the same.
import { existsSync } from "node:fs";
import { chown, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type SandboxName, type ScopeKey, toSandboxName, toScopeKey } from "../../api/brands.ts";
import { LABEL } from "../../api/labels.ts";
import { toContainerName } from "../../api/names.fixture.ts";
import { toLegacySlug, toSlug } from "../../api/names.ts";
import { createModel, type Model } from "../fixtures/model.fixture.ts";
import { createFolderSite, onDemand, type Site } from "../fixtures/site.fixture.ts";
import { KnownNames } from "./known-names.ts";

const PREFIX = "openclaw-sbx-";
const HOUR_MS = 3_600_000;
const CHAT = "agent:main:chat";

const configOf = (sandbox: object = {}): object => onDemand({ scope: "session", rollout: { hotWindow: "0s" }, ...sandbox });
const legacyOf = ({ instance }: Site, key = CHAT): string => toLegacySlug(instance, toScopeKey(key));
const nameOf = (slug: string): SandboxName => toSandboxName(`${PREFIX}${slug}`);
const folderOf = (site: Site, slug: string): string => join(site.stateDir, "sandboxes", slug);
const workspaceOf = (model: Model, name: SandboxName): string | undefined =>
  model.mustServe(name).created.mounts.find(({ kind }) => kind === "workspace")?.source;

/** The workspace folder as an earlier version left it, with a file in it. */
async function leaveFolder(site: Site, key = CHAT, marker = true): Promise<string> {
  const slug = legacyOf(site, key);
  const path = folderOf(site, slug);
  await mkdir(path, { recursive: true });
  if (process.getuid?.() === 0) await chown(path, 1000, 1000);
  await writeFile(join(path, "note"), `of ${key}`);
  if (!marker) return path;
  const owners = join(site.stateDir, "sandboxes", ".owners");
  await mkdir(owners, { recursive: true });
  const facts = { instance: site.instance, name: nameOf(slug), scopeKey: key, path, createdAt: "2026-11-01T00:00:00.000Z" };
  await writeFile(join(owners, `${slug}.json`), JSON.stringify(facts));
  return path;
}

/** A state folder of an earlier version, whose sandbox for the session `chat` serves. */
async function startOlder(sandbox: object = {}): Promise<Model> {
  const model = await createModel();
  await model.site.writeConfig(configOf(sandbox));
  await leaveFolder(model.site);
  await model.site.putSession("main", "chat", { createdAt: model.clock.now(), lastActivityAt: model.clock.now() });
  await model.start();
  await model.converge();
  expect(model.serving(nameOf(legacyOf(model.site)))).not.toBeNull();
  return model;
}

const RECORDS: Readonly<Record<string, readonly string[]>> = {
  "nothing was lost": [],
  "the ledger was lost": ["ledger"],
  "statuses were lost": ["status"],
  "ledger and statuses were lost": ["ledger", "status"],
};

describe.each(Object.entries(RECORDS))("an upgrade after which %s", (_, lost) => {
  const lose = async ({ site }: Model): Promise<void> => {
    for (const folder of lost) await rm(join(site.stateDir, "controller", folder), { recursive: true });
  };

  it("leaves a sandbox its container, its name and its folder", async () => {
    const model = await startOlder();
    const name = nameOf(legacyOf(model.site));
    const { id } = model.mustServe(name);
    await model.stop();
    await lose(model);
    await model.start();
    await model.converge();
    expect(model.containers().map((one) => one.id)).toEqual([id]);
    expect(workspaceOf(model, name)).toBe(folderOf(model.site, legacyOf(model.site)));
  });

  it("gives a sandbox that was pruned its files again", async () => {
    const model = await startOlder({ prune: { idleHours: 1 } });
    await model.until("it is pruned", () => model.containers().length === 0, 3 * HOUR_MS);
    await model.stop();
    await lose(model);
    await model.site.putSession("main", "chat", { createdAt: model.clock.now(), lastActivityAt: model.clock.now() });
    await model.start();
    await model.converge();
    const folder = workspaceOf(model, nameOf(legacyOf(model.site)));
    expect(await readFile(join(folder ?? "", "note"), "utf8")).toBe(`of ${CHAT}`);
    expect((await readdir(join(model.site.stateDir, "sandboxes"))).filter((each) => !each.startsWith("."))).toHaveLength(1);
  });
});

it("a sandbox of which labels alone are left is found by them", async () => {
  const model = await startOlder({ workspaceAccess: "rw" });
  const { id } = model.mustServe(nameOf(legacyOf(model.site)));
  await model.stop();
  for (const folder of ["controller", "sandboxes"]) await rm(join(model.site.stateDir, folder), { recursive: true });
  await model.start();
  await model.converge();
  expect(model.containers().map((one) => one.id)).toEqual([id]);
});

it("a sandbox that is new has a name with 64 bits of hash, and so has its folder", async () => {
  const model = await createModel();
  await model.site.writeConfig(configOf());
  await model.site.putSession("main", "chat", { createdAt: model.clock.now() });
  await model.start();
  await model.converge();
  const slug = toSlug(model.site.instance, toScopeKey(CHAT));
  expect(workspaceOf(model, nameOf(slug))).toBe(folderOf(model.site, slug));
});

it("a folder of the old form without a marker is still its scope key's", async () => {
  const model = await createModel();
  await model.site.writeConfig(configOf());
  const path = await leaveFolder(model.site, CHAT, false);
  await model.site.putSession("main", "chat", { createdAt: model.clock.now() });
  await model.start();
  await model.converge();
  expect(workspaceOf(model, nameOf(legacyOf(model.site)))).toBe(path);
});

/**
 * Pairs of session names whose keys have one legacy slug: what a hostile agent finds within minutes for a key that is given, and a test within
 * a second for any two.
 */
function findCollisions({ instance }: Pick<Site, "instance">, count: number): [string, string][] {
  const seen = new Map<string, string | null>();
  const pairs: [string, string][] = [];
  for (let attempt = 0; pairs.length < count; attempt += 1) {
    const name = `a-name-of-more-than-32-characters-${attempt}`;
    const slug = toLegacySlug(instance, toScopeKey(`agent:main:${name}`));
    const other = seen.get(slug);
    // A third of the same slug would meet the folder that the pair before it left.
    if (other === null) continue;
    seen.set(slug, other === undefined ? name : null);
    if (other !== undefined) pairs.push([other, name]);
  }
  return pairs;
}

const findCollision = (site: Site): [string, string] => findCollisions(site, 1)[0] ?? ["", ""];

/** A quarter of a million hashes find ten pairs; three million a thousand. */
const PAIRS = process.env.OPENCLAW_TEST_LONG === undefined ? 10 : 1_000;
const PAIRS_MS_MAX = 600_000;

describe("two session keys of one legacy name", () => {
  it("share neither container nor folder: who has it keeps it, whichever session is older", async () => {
    const model = await createModel();
    const { site, clock } = model;
    const [hostile, victim] = findCollision(site);
    await site.writeConfig(configOf());
    const folder = await leaveFolder(site, `agent:main:${victim}`);
    await site.putSession("main", hostile, { createdAt: clock.now() - 1_000 });
    await site.putSession("main", victim, { createdAt: clock.now() });
    await model.start();
    await model.converge(2);
    const slugs = { hostile: toSlug(site.instance, toScopeKey(`agent:main:${hostile}`)), victim: legacyOf(site, `agent:main:${victim}`) };
    expect(workspaceOf(model, nameOf(slugs.victim))).toBe(folder);
    expect(workspaceOf(model, nameOf(slugs.hostile))).toBe(folderOf(site, slugs.hostile));
    expect(existsSync(join(folderOf(site, slugs.hostile), "note"))).toBe(false);
  });

  it("that are both new have names of their own", async () => {
    const model = await createModel();
    const { site, clock } = model;
    await site.writeConfig(configOf());
    for (const name of findCollision(site)) await site.putSession("main", name, { createdAt: clock.now() });
    await model.start();
    await model.converge(2);
    expect(new Set(model.containers().map(({ name }) => name)).size).toBe(2);
  });

  it(
    `never get one name: ${PAIRS} pairs, each recorded, with a folder, or new`,
    async () => {
      const site = await createFolderSite();
      const root = join(site.stateDir, "sandboxes");
      let shared = 0;
      for (const [round, pair] of findCollisions(site, PAIRS).entries()) {
        const [victim, hostile] = pair.map((name) => toScopeKey(`agent:main:${name}`)) as [ScopeKey, ScopeKey];
        const slug = toLegacySlug(site.instance, victim);
        const record = { name: nameOf(slug), scopeKey: victim };
        if (round % 3 === 1) await leaveFolder(site, victim);
        const names = new KnownNames(site.instance, round % 3 === 0 ? [record, { ...record, scopeKey: hostile }] : []);
        const [theirs, ours] = [names.slugOf(hostile, root), names.slugOf(victim, root)];
        if (theirs === ours || theirs === slug) shared += 1;
        expect(ours).toBe(round % 3 === 2 ? toSlug(site.instance, victim) : slug);
      }
      expect(shared).toBe(0);
    },
    PAIRS_MS_MAX,
  );

  it("whose marker is damaged give the folder to nobody, whoever asks first", async () => {
    const site = await createFolderSite();
    const keys = findCollision(site).map((name) => toScopeKey(`agent:main:${name}`)) as [ScopeKey, ScopeKey];
    const root = join(site.stateDir, "sandboxes");
    await leaveFolder(site, keys[0]);
    await writeFile(join(root, ".owners", `${toLegacySlug(site.instance, keys[0])}.json`), "{torn");
    const names = new KnownNames(site.instance, []);
    expect(keys.map((key) => names.slugOf(key, root))).toEqual(keys.map((key) => toSlug(site.instance, key)));
  });

  it("without a record are the first one's who asks for the folder", async () => {
    const site = await createFolderSite();
    const [first, second] = findCollision(site).map((name) => toScopeKey(`agent:main:${name}`)) as [ScopeKey, ScopeKey];
    await leaveFolder(site, first, false);
    const names = new KnownNames(site.instance, []);
    const root = join(site.stateDir, "sandboxes");
    expect([names.slugOf(second, root), names.slugOf(first, root)]).toEqual([
      toLegacySlug(site.instance, first),
      toSlug(site.instance, first),
    ]);
  });
});

it("a container that has the name and is another scope key's is neither used nor touched, and the refusal names that key", async () => {
  const model = await createModel();
  const { site } = model;
  await site.writeConfig(configOf());
  await site.putSession("main", "chat", { createdAt: model.clock.now() });
  await model.start();
  await model.converge();
  const name = toContainerName(PREFIX, site.instance, toScopeKey(CHAT));
  const theirs = model.mustServe(name);
  await model.stop();
  Object.assign(theirs.labels, { [LABEL.scopeKey]: "agent:main:other" });
  await model.start();
  const ready = () => model.controller.statuses.get(name)?.status.conditions.find(({ type }) => type === "Ready");
  await model.until("it is refused", () => ready()?.status === "False");
  expect(ready()).toMatchObject({ reason: "HostRejected", message: expect.stringContaining('"agent:main:other"') });
  await expect(model.controller.access.lease(name)).rejects.toMatchObject({ code: "NotReady" });
  expect(model.containers().map(({ id, state }) => [id, state])).toEqual([[theirs.id, "running"]]);
});
