// How the gateway follows its config while it runs. What a config may say is api/config's; that its file may be missing, start.test.ts's.
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import { expect, onTestFinished, test } from "vitest";
import { createSystemClock } from "../../api/clock.ts";
import { ConfigWatch } from "./config-watch.ts";

const SEEN = { timeout: 20_000 };

test("an error in a file that only the newest config includes changes nothing, and is noticed once fixed", async () => {
  const folder = await mkdtemp(join(tmpdir(), "openclaw-config-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, "openclaw.json");
  const part = join(folder, "parts", "agents.json5");
  const write = (file: string, text: string): Promise<void> => writeFile(file, text, { mode: 0o600 });
  await mkdir(join(folder, "parts"));
  await write(path, '{ agents: { list: [{ id: "main" }] } }');
  const warnings: string[] = [];
  const log = pino({ level: "warn" }, { write: (line: string) => void warnings.push(line) });
  const environment = { variables: {}, home: folder, stateDir: folder, trustedOwners: null };
  const watch = await ConfigWatch.open({ path, environment, clock: createSystemClock(), log, isMissingOk: false });
  const ended = new AbortController();
  onTestFinished(() => ended.abort());
  watch.watch(ended.signal);
  const agents = (): string[] => watch.current.agents.map(({ id }) => id);

  await write(part, "{ list: ");
  await write(path, '{ agents: { $include: "./parts/agents.json5" } }');
  await expect.poll(() => warnings.length, SEEN).toBeGreaterThan(0);
  // Again and again: the first time may still be heard by a late look at the main file.
  for (const key of ["scoep", "moed"]) {
    await write(part, `{ defaults: { sandbox: { ${key}: "all" } } }`);
    await expect.poll(() => warnings.at(-1), SEEN).toContain(key);
  }
  expect(agents()).toEqual(["main"]);
  await write(part, '{ list: [{ id: "main" }, { id: "work" }] }');
  await expect.poll(agents, SEEN).toEqual(["main", "work"]);
});
