// Keys that the config names: a text, a file that holds it alone, a variable. What is done with a key is model-turn.test.ts's.
import { chmod, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { toEpochMs } from "../../api/brands.ts";
import { mustParse } from "../../api/config/config.fixture.ts";
import { createFolder } from "../../api/store/folder.fixture.ts";
import { ConfigKeys } from "./config-keys.ts";

const keysOf = (apiKey: string, variables: Record<string, string> = {}): ConfigKeys => {
  const config = mustParse(`{ models: { providers: { openai: { apiKey: ${apiKey} } } } }`);
  return new ConfigKeys({ config: () => config, variables, now: () => toEpochMs(1) });
};
const fileOf = (path: string): string => JSON.stringify({ source: "file", provider: "default", id: path });

test("a key may lie in a file of its own, also behind a link as Kubernetes makes them, and counts as it is there now", async () => {
  const folder = await createFolder();
  await writeFile(join(folder, "real"), "sk-first\n");
  await symlink("real", join(folder, "link"));
  const keys = keysOf(fileOf(join(folder, "link")));
  expect(await keys.order("openai")).toEqual(["openai:config"]);
  const first = await keys.resolve("openai:config");
  expect(first).toMatchObject({ kind: "secret", secret: { kind: "api-key", apiKey: "sk-first" } });
  if (first.kind === "secret") await keys.report("openai:config", { kind: "refused", revision: first.revision, because: "no such key" });
  expect(await keys.resolve("openai:config")).toMatchObject({ kind: "problem", problem: "refused" });
  await writeFile(join(folder, "real"), "sk-second\n");
  expect(await keys.resolve("openai:config")).toMatchObject({ kind: "secret", secret: { apiKey: "sk-second" } });
});

test.each<[string, (path: string) => Promise<unknown>, string]>([
  ["is not there", async () => undefined, "there is no file"],
  ["holds more than a key", async (path) => await writeFile(path, "OPENAI_API_KEY=sk-1\nOTHER=2\n"), "does not hold a key alone"],
  ["is empty", async (path) => await writeFile(path, "\n"), "does not hold a key alone"],
  ["is far longer than a key", async (path) => await writeFile(path, "x".repeat(20_000)), "/key: "],
])("a file that %s gives no key, is said without a character of it, and the variable is tried first", async (_, make, because) => {
  const path = join(await createFolder(), "key");
  await make(path);
  const keys = keysOf(fileOf(path), { OPENAI_API_KEY: "sk-of-the-variable" });
  expect(await keys.order("openai")).toEqual(["openai:env", "openai:config"]);
  const resolved = await keys.resolve("openai:config");
  expect(resolved).toMatchObject({ kind: "problem", problem: "unreadable", message: expect.stringContaining(because) });
  expect(JSON.stringify([resolved, await keys.statuses()])).not.toMatch(/sk-|xxx/);
  expect((await keys.statuses()).map(({ id, state }) => [id, state])).toEqual([
    ["openai:env", "ready"],
    ["openai:config", "unreadable"],
  ]);
});

test("a file that this user may not read is said", async (context) => {
  if (process.getuid?.() === 0) return context.skip("root reads every file");
  const path = join(await createFolder(), "key");
  await writeFile(path, "sk-1");
  await chmod(path, 0o000);
  expect(await keysOf(fileOf(path)).resolve("openai:config")).toMatchObject({ kind: "problem", problem: "unreadable" });
});

test("a program is run for no key", async () => {
  expect(await keysOf(JSON.stringify({ source: "exec", provider: "vault", id: "openai" })).order("openai")).toEqual([]);
});
