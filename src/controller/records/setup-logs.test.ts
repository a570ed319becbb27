// What becomes of a setup's output when its folder takes no writes (a full disk, a folder that is gone): it is told, and the loop goes on.
// What a log shows of a setup is setup.engine.test.ts's.
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { toSandboxName } from "../../api/brands.ts";
import { createFolder } from "../../api/store/folder.fixture.ts";
import { VirtualClock } from "../../api/virtual-clock.fixture.ts";
import { EventLog } from "./event-log.ts";
import { SetupLogs } from "./setup-logs.ts";

const QUIET = toSandboxName("quiet");
const LOUD = toSandboxName("loud");

async function open() {
  const clock = new VirtualClock();
  const state = await createFolder();
  const events = await EventLog.open({ folder: join(state, "events"), clock, writeFailed: (error) => expect.unreachable(String(error)) });
  const failed: string[] = [];
  const folder = join(state, "setup-logs");
  const now = () => clock.now();
  const logs = await SetupLogs.open({ folder, now, events, writeFailed: (name) => failed.push(name) });
  return { folder, logs, failed };
}

test("a setup whose output can't be written ends as any other, and each log that is not whole is told once", async () => {
  const { folder, logs, failed } = await open();
  await rm(folder, { recursive: true });
  await writeFile(folder, "");
  logs.ended(QUIET, "success");
  for (const line of ["one\n", "two\n", "three\n"]) logs.append(LOUD, Buffer.from(line));
  logs.ended(LOUD, "failure");
  expect(await logs.view(QUIET, 10)).toMatchObject({ state: "succeeded", text: "" });
  expect(await logs.view(LOUD, 10)).toMatchObject({ state: "failed", text: "" });
  expect(failed).toEqual([QUIET, LOUD]);
});

test("a log that can't be removed is told, and is out of the way", async () => {
  const { folder, logs, failed } = await open();
  await mkdir(join(folder, `${QUIET}.log`));
  logs.remove(QUIET);
  await expect.poll(() => failed).toEqual([QUIET]);
  expect(await logs.view(QUIET, 10)).toMatchObject({ state: "none", text: "" });
});
