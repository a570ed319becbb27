// Who may read what is made in a folder, by how the folder was given to its group.

import { chmod, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createFolder } from "./folder.fixture.ts";
import { fileModeIn, makeFolder } from "./group-folder.ts";
import { requestPause } from "./request-file.ts";

const modeOf = async (path: string): Promise<string> => ((await stat(path)).mode & 0o7777).toString(8);

test("what is made in a folder that was given to its group, the group may read; its folders hand that down", async () => {
  const folder = await createFolder();
  await chmod(folder, 0o2750);
  const deep = join(folder, "main", "sessions");
  await makeFolder(deep);
  expect([await modeOf(join(folder, "main")), await modeOf(deep)]).toEqual(["2750", "2750"]);
  expect(await fileModeIn(deep)).toBe(0o640);
});

test("in any other folder it is its owner's alone, even where all may enter", async () => {
  for (const mode of [0o700, 0o755, 0o2700]) {
    const folder = await createFolder();
    await chmod(folder, mode);
    await makeFolder(join(folder, "main", "sessions"));
    expect((await stat(join(folder, "main", "sessions"))).mode & 0o777).toBe(0o700);
    expect(await fileModeIn(join(folder, "main"))).toBe(0o600);
  }
});

test("a folder that is there stays as it is, and a file in its place is an error", async () => {
  const folder = await createFolder();
  await chmod(folder, 0o755);
  await makeFolder(folder);
  expect(await modeOf(folder)).toBe("755");
  await writeFile(join(folder, "file"), "");
  await expect(makeFolder(join(folder, "file", "below"))).rejects.toMatchObject({
    code: "HostRejected",
    message: expect.stringContaining("part of its path is not a folder"),
  });
});

test("a request can be read by the group that the state folder was given to, its folder included", async () => {
  const stateDir = await createFolder();
  await chmod(stateDir, 0o2750);
  await requestPause(stateDir, null);
  expect((await stat(join(stateDir, "requests"))).mode & 0o777).toBe(0o750);
});
