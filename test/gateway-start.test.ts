// A gateway that can't start ends, with words and an exit code, at whichever step it fails; the controller's steps are
// src/controller/start.engine.test.ts's.
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";
import { spawnProgram } from "../src/controller/fixtures/process.fixture.ts";
import { createFolderSite } from "../src/controller/fixtures/site.fixture.ts";

const file = async (path: string): Promise<void> => {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeFile(path, "x");
};
const folder = (path: string): Promise<unknown> => mkdir(path, { recursive: true, mode: 0o700 });

it.each([
  { what: "its own folder", spoil: file, path: "gateway", words: "gateway" },
  { what: "the lock", spoil: folder, path: "gateway/lock.db", words: "cannot lock" },
  { what: "its secret", spoil: folder, path: "gateway/token/full", words: "token" },
  { what: "the address", spoil: folder, path: "gateway/address.json/full", words: "address.json" },
])("a gateway that can't use $what ends, and says what is wrong", async ({ spoil, path, words }) => {
  const site = await createFolderSite();
  await spoil(join(site.stateDir, path));
  const args = ["gateway", "--state-dir", site.stateDir, "--config", site.configPath, "--port", "0", "--allow-unconfigured"];
  const { code, stderr } = await spawnProgram(site, args).ended;
  expect(code).toBe(1);
  expect(
    stderr
      .split("\n")
      .filter((line) => line.startsWith("openclaw: "))
      .join("\n"),
  ).toContain(words);
  expect(stderr).not.toContain("this is a bug");
});
