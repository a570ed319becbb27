// What a seccomp profile's file must be, and what a sandbox does that names another: it waits, says why, and is made once the file is mended.
// AppArmor, which only the engine knows of, waits the same way. Binds and folders are mounts.engine.test.ts.
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import { type Model, startModel } from "../fixtures/model.fixture.ts";
import { readProfile, shareLookUps } from "./host-folders.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "openclaw-profiles-"));
});
afterAll(async () => await rm(folder, { recursive: true, force: true }));

test("who asks where a folder really is while somebody looks gets the same answer; who asks later has it looked at anew", async () => {
  const answers = ["/first", null];
  const looks: string[] = [];
  const lookUp = shareLookUps(async (path) => {
    looks.push(path);
    return answers.shift() ?? null;
  });
  expect(await Promise.all([lookUp("/folder"), lookUp("/folder"), lookUp("/other")])).toEqual(["/first", "/first", null]);
  expect(await lookUp("/folder")).toBeNull();
  expect(looks).toEqual(["/folder", "/other", "/folder"]);
});

const BAD: readonly [name: string, make: (path: string) => Promise<unknown>, why: RegExp][] = [
  ["missing.json", async () => undefined, /does not exist/],
  ["folder.json", async (path) => await mkdir(path), /is not a file/],
  ["link-to-nothing.json", async (path) => await symlink("/no/such/profile", path), /does not exist/],
  ["link-to-device.json", async (path) => await symlink("/dev/zero", path), /is not a file/],
  ["empty.json", async (path) => await writeFile(path, ""), /is not JSON/],
  ["half.json", async (path) => await writeFile(path, '{ "defaultAction": '), /is not JSON/],
  ["list.json", async (path) => await writeFile(path, "[]"), /is not a JSON object/],
  ["null.json", async (path) => await writeFile(path, "null"), /is not a JSON object/],
  ["large.json", async (path) => await writeFile(path, `{}${" ".repeat(300_000)}`), /is larger than 262144 bytes/],
];

test.each(BAD)("a seccomp profile %s is refused, with its key and path", async (name, make, why) => {
  const path = join(folder, name);
  await make(path);
  const profile = await readProfile(path);
  expect(profile.kind).toBe("unreadable");
  const message = profile.kind === "unreadable" ? profile.message : "";
  expect(message.startsWith(`docker.seccompProfile ${path} `)).toBe(true);
  expect(message).toMatch(why);
});

test("a seccomp profile is its content, however it is written", async () => {
  const path = join(folder, "good.json");
  await writeFile(path, '{\n  "defaultAction": "SCMP_ACT_ALLOW"\n}\n');
  expect(await readProfile(path)).toEqual({ kind: "content", text: '{"defaultAction":"SCMP_ACT_ALLOW"}' });
  expect(await readProfile(null)).toEqual({ kind: "none" });
});

/** Two agents, of which `strict` has a container of its own kind. */
const beside = (docker: object): object => ({
  agents: { defaults: { sandbox: { mode: "all", start: "eager" } }, list: [{ id: "main" }, { id: "strict", sandbox: { docker } }] },
});

async function stalls(model: Model): Promise<string> {
  const name = model.site.nameOf("agent:strict");
  const ready = () => model.controller.statuses.get(name)?.status.conditions.find(({ type }) => type === "Ready");
  await model.until("it says why it is not made", () => ready()?.reason === "HostRejected");
  model.mustServe();
  expect(model.containers().map((container) => container.name)).toEqual([model.name]);
  return ready()?.message ?? "";
}

it("is not made where a symlink above its workspace leads to credentials, and is once the link is gone", async () => {
  const [secrets, link] = [join(folder, ".ssh"), join(folder, "link")];
  await mkdir(secrets);
  await symlink(secrets, link);
  const strict = { id: "strict", sandbox: { workspaceRoot: join(link, "boxes") } };
  const model = await startModel({ agents: { defaults: { sandbox: { mode: "all", start: "eager" } }, list: [{ id: "main" }, strict] } });
  expect(await stalls(model)).toContain(`is really ${join(secrets, "boxes")}/agent-strict`);
  expect(await readdir(secrets)).toEqual([]);
  await rm(link);
  await model.converge(2);
  model.mustServe(model.site.nameOf("agent:strict"));
});

it("is not made while a symlink leads its bind into what another sandbox may write, and is once it leads elsewhere", async () => {
  const [shared, apart, link] = [join(folder, "shared"), join(folder, "apart"), join(folder, "source")];
  for (const path of [join(shared, "inner"), apart]) await mkdir(path, { recursive: true });
  await symlink(join(shared, "inner"), link);
  const external = { dangerouslyAllowExternalBindSources: true };
  const list = [
    { id: "main", sandbox: { docker: { ...external, binds: [`${shared}:/shared`] } } },
    { id: "strict", sandbox: { docker: { ...external, binds: [`${link}:/data:ro`] } } },
  ];
  const model = await startModel({ agents: { defaults: { sandbox: { mode: "all", start: "eager" } }, list } });
  expect(await stalls(model)).toContain(`${link} is really ${join(shared, "inner")}, which: this lies in ${shared}`);
  await rm(link);
  await symlink(apart, link);
  await model.converge(2);
  model.mustServe(model.site.nameOf("agent:strict"));
});

describe("a sandbox that would not be confined as its config says", () => {
  it("waits for its seccomp profile, alone, and is made once the file is good", async () => {
    const path = join(folder, "later.json");
    const model = await startModel(beside({ seccompProfile: path }));
    expect(await stalls(model)).toContain(`docker.seccompProfile ${path}`);
    await writeFile(path, '{"defaultAction":"SCMP_ACT_ALLOW"}');
    await model.until("it is made", () => model.serving(model.site.nameOf("agent:strict")) !== null, 60_000);
  });

  it("waits for an engine that has AppArmor, alone", async () => {
    const model = await startModel(beside({ apparmorProfile: "strict" }));
    expect(await stalls(model)).toContain("docker.apparmorProfile");
    model.engine.capabilities = { ...model.engine.capabilities, appArmor: true };
    await model.until("it is made", () => model.serving(model.site.nameOf("agent:strict")) !== null, 60_000);
  });
});
