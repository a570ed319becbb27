// Where the secrets of model providers lie: whose files they are, and that none is lost or half written, whatever happens to it.
import { readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { chmod, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { apiKey, fileOf, NEVER, openWorld } from "./credentials.fixture.ts";
import { toFileName } from "./profile-file.ts";

test("a secret is a file of its own, readable for its owner alone, in a folder that nobody else enters", async () => {
  const world = await openWorld();
  await world.credentials.put("openai:default", apiKey("key-one"));
  await world.credentials.put("openai:person@example.org", apiKey("key-two"));
  expect(statSync(world.folder).mode & 0o777).toBe(0o700);
  expect(readdirSync(world.folder).sort()).toEqual([
    "openai%3Adefault.credential.json",
    "openai%3Adefault.lock",
    "openai%3Aperson%40example.org.credential.json",
    "openai%3Aperson%40example.org.lock",
  ]);
  for (const name of readdirSync(world.folder)) expect(statSync(join(world.folder, name)).mode & 0o777, name).toBe(0o600);
  expect(await world.credentials.resolve("openai:default", NEVER)).toMatchObject({ secret: { apiKey: "key-one" } });
});

test("a folder that others could enter is closed before a secret is put there", async () => {
  const world = await openWorld();
  await mkdir(world.folder, { recursive: true });
  await chmod(world.folder, 0o755);
  await world.credentials.put("openai:default", apiKey("key-one"));
  expect(statSync(world.folder).mode & 0o777).toBe(0o700);
});

test("a folder that is a link is refused, and nothing is put where it leads", async () => {
  const [world, elsewhere] = [await openWorld(), await openWorld()];
  await mkdir(dirname(world.folder), { recursive: true });
  symlinkSync(elsewhere.stateDir, world.folder);
  await expect(world.credentials.put("openai:default", apiKey("key-one"))).rejects.toThrow("is not a folder");
  expect(readdirSync(elsewhere.stateDir)).toEqual([]);
});

test.each([
  ["half a file", (text: string) => text.slice(0, text.length / 2), "not valid JSON"],
  ["another's content", (text: string) => text.replace('"openai:default"', '"openai:other"'), "another profile"],
  ["a field that nobody wrote", (text: string) => text.replace('"spec"', '"more": 1, "spec"'), "not as it was written"],
  ["nothing", () => "", "not valid JSON"],
])("%s is said, gives no secret, and is set aside when a person signs in again", async (_, damage, words) => {
  const world = await openWorld();
  await world.credentials.put("openai:default", apiKey("key-of-before"));
  const path = fileOf(world, "openai:default");
  const damaged = damage(readFileSync(path, "utf8"));
  writeFileSync(path, damaged);
  const resolved = await world.credentials.resolve("openai:default", NEVER);
  expect(resolved).toMatchObject({ kind: "problem", problem: "unreadable", message: expect.stringContaining(words) });
  expect(JSON.stringify(resolved)).not.toContain("key-of-before");
  expect(await world.credentials.statuses()).toMatchObject([{ id: "openai:default", state: "unreadable", kind: null }]);
  await world.credentials.put("openai:default", apiKey("key-of-after"));
  const aside = readdirSync(world.folder).find((name) => name.includes(".damaged-")) ?? "";
  expect(readFileSync(join(world.folder, aside), "utf8")).toBe(damaged);
  expect(await world.credentials.resolve("openai:default", NEVER)).toMatchObject({ secret: { apiKey: "key-of-after" } });
  await world.credentials.remove("openai:default");
  expect(readdirSync(world.folder)).toEqual(["openai%3Adefault.lock"]);
});

test("what a killed process left half written is gone with the next change of its profile, and no other one's is touched", async () => {
  const world = await openWorld();
  await world.credentials.put("openai:default", apiKey("key-one"));
  const [own, other] = ["openai:default", "openai:work"].map((id) => join(world.folder, `.${toFileName(id)}.1-2.tmp`));
  for (const path of [own ?? "", other ?? ""]) writeFileSync(path, "a secret");
  await world.credentials.put("openai:default", apiKey("key-two"));
  expect(readdirSync(world.folder).filter((name) => name.endsWith(".tmp"))).toEqual([`.${toFileName("openai:work")}.1-2.tmp`]);
});

test("a change that was decided on another writing changes nothing", async () => {
  const world = await openWorld();
  await world.credentials.put("openai:default", apiKey("key-one"));
  const outcome = await world.store.hold("openai:default", async (held) => {
    const read = await held.read();
    if (read.kind !== "found") throw new Error("it is there");
    return [await held.write(read.credential, "ffffffffffffffff"), await held.write(read.credential, null)];
  });
  expect(outcome).toEqual([false, false]);
});

test("changes of one profile come one after the other; those of two do not wait for each other", async () => {
  const world = await openWorld();
  const order: string[] = [];
  const [begun, first] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const held = world.store.hold("openai:a", async () => {
    order.push("a begins");
    begun.resolve();
    await first.promise;
    order.push("a ends");
  });
  await begun.promise;
  await world.store.hold("openai:b", async () => void order.push("b"));
  const next = world.store.hold("openai:a", async () => void order.push("a again"));
  first.resolve();
  await Promise.all([held, next]);
  expect(order).toEqual(["a begins", "b", "a ends", "a again"]);
});

test("names of profiles never lead out of the folder", async () => {
  const world = await openWorld();
  for (const name of ["openai:../../x", "openai:a/b", "../x:y", "openai:", "OPENAI:x", `openai:${"x".repeat(200)}`, "openai:a\0b"])
    await expect(world.credentials.put(name, apiKey("key-one")), name).rejects.toThrow();
  expect(await world.credentials.statuses()).toEqual([]);
});
