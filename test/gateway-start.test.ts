// A gateway that can't start ends, with words and an exit code, at whichever step it fails; the controller's steps are
// src/controller/scenarios/start.engine.test.ts's.
import { join } from "node:path";
import { it } from "vitest";
import { spawnProgram } from "../src/controller/fixtures/process.fixture.ts";
import { createFolderSite } from "../src/controller/fixtures/site.fixture.ts";
import { expectRefusal, putFile, putFolder } from "../src/controller/fixtures/spoil.fixture.ts";

it.each([
  { what: "its own folder", spoil: putFile, path: "gateway", words: "gateway" },
  { what: "the lock", spoil: putFolder, path: "gateway/lock.db", words: "cannot lock" },
  { what: "its secret", spoil: putFolder, path: "gateway/token/full", words: "token" },
  { what: "the address", spoil: putFolder, path: "gateway/address.json/full", words: "address.json" },
])("a gateway that can't use $what ends, and says what is wrong", async ({ spoil, path, words }) => {
  const site = await createFolderSite();
  await spoil(join(site.stateDir, path));
  const args = ["gateway", "--state-dir", site.stateDir, "--config", site.configPath, "--port", "0", "--allow-unconfigured"];
  expectRefusal(await spawnProgram(site, args).ended, words);
});
