// What is reported of a config's text as it changes, in steps too, on a clock that the test moves. What a text means is parse.test.ts's; that a
// change of a file is noticed, store/file-watch.test.ts's.
import { chmod, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createFolder } from "../store/folder.fixture.ts";
import { VirtualClock } from "../virtual-clock.fixture.ts";
import { ConfigReader } from "./config-reader.ts";

const SAVE_MS = 500;

/** A reader that has read `text`. null: there is no file. */
async function openReader(text: string | null) {
  const folder = await createFolder();
  const path = join(folder, "openclaw.json");
  const clock = new VirtualClock();
  const reports: string[] = [];
  const reader = new ConfigReader({
    path,
    clock,
    environment: { variables: {}, home: folder, stateDir: folder, trustedOwners: null },
    accept: ({ value }) => void reports.push(value.agents.map(({ id }) => id).join()),
    refuse: ([first]) => void reports.push(`refused: ${first?.path === "" ? first.message : first?.path}`),
  });
  const write = async (next: string, file = "openclaw.json"): Promise<void> => {
    await writeFile(join(folder, file), next, { mode: 0o600 });
    await reader.reload();
  };
  if (text === null) await reader.reload();
  else await write(text);
  const wait = async (ms: number): Promise<void> => {
    await clock.advance(ms);
    await reader.reload();
  };
  return { reader, path, reports, write, wait, clock };
}

const agents = (...ids: string[]): string => JSON.stringify({ agents: { list: ids.map((id) => ({ id })) } });

test("a text is reported once, and another one at once", async () => {
  const { reports, write, reader } = await openReader(agents("main"));
  await reader.reload();
  await write(agents("main", "work"));
  expect(reports).toEqual(["main", "main,work"]);
});

test("a file whose mode alone changes is no other config", async () => {
  const { reports, path, reader } = await openReader(agents("main"));
  const chmodTo = async (mode: number): Promise<void> => {
    await chmod(path, mode);
    await reader.reload();
  };
  await chmodTo(0o640);
  await chmodTo(0o600);
  expect(reports).toEqual(["main"]);
});

test("what is not valid for less than a save takes is never reported", async () => {
  const { reports, write, wait } = await openReader(agents("main"));
  await write("{ agents: ");
  await wait(SAVE_MS - 1);
  await write(agents("work"));
  await wait(SAVE_MS * 2);
  expect(reports).toEqual(["main", "work"]);
});

test("what stays invalid is reported once a save would have ended, and each step that is another text begins anew", async () => {
  const { reports, write, wait } = await openReader(agents("main"));
  await write('{ agents: { defaults: { sandbox: { scoep: "all" } } } }');
  await wait(SAVE_MS - 1);
  await write('{ agents: { defaults: { sandbox: { moed: "all" } } } }');
  await wait(SAVE_MS - 1);
  expect(reports).toEqual(["main"]);
  await wait(1);
  expect(reports).toEqual(["main", "refused: agents.defaults.sandbox.moed"]);
});

test("the valid text of before is reported again after an invalid one", async () => {
  const { reports, write, wait } = await openReader(agents("main"));
  await write("{");
  await wait(SAVE_MS);
  await write(agents("main"));
  expect(reports.map((line) => line.replace(/:.*/, ""))).toEqual(["main", "refused", "main"]);
});

test("at the start there is nothing to protect: an invalid text is reported at once, and a file that is not there", async () => {
  expect((await openReader("{")).reports).toHaveLength(1);
  const { reader, reports } = await openReader(null);
  expect([reports.length, reader.isMissing]).toEqual([1, true]);
});

test("two files that are broken at once are reported until both are mended, and then the config", async () => {
  const { reports, write, wait } = await openReader('{ agents: { $include: "./agents.json" } }');
  expect(reports).toHaveLength(1);
  await write('{ agents: { $include: "./agents.json" }, gateway: 5 }');
  await write("{ list: ", "agents.json");
  await wait(SAVE_MS);
  await write('{ list: [{ id: "main" }] }', "agents.json");
  await wait(SAVE_MS);
  expect(reports.map((line) => line.startsWith("refused"))).toEqual([true, true, true]);
  await write('{ agents: { $include: "./agents.json" } }');
  expect(reports.at(-1)).toBe("main");
});

test("a file that is removed is reported as missing, and its return as a config", async () => {
  const { reports, write, wait, path, reader } = await openReader(agents("main"));
  await rm(path);
  await reader.reload();
  await wait(SAVE_MS);
  expect([reports.length, reader.isMissing]).toEqual([2, true]);
  await write(agents("main"));
  expect([reports.at(-1), reader.isMissing]).toEqual(["main", false]);
});
