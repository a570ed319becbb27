// What is kept of a sandbox's decisions when a write of it ends in the middle, by a kill or on a full disk: every whole line, and every one after it.
import { appendFile, mkdir, rename, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { toSandboxName } from "../../api/brands.ts";
import type { EgressRecord } from "../../api/egress/decision.ts";
import { createFolder } from "../../api/store/folder.fixture.ts";
import { EgressLog } from "./egress-log.ts";

const NAME = toSandboxName("sbx-a");
const RUN = "proxy 1";
const METER = { decided: () => undefined, passed: () => undefined, lost: () => undefined };

function refusal(seq: number): EgressRecord {
  const asked = { method: "GET", host: `${seq}.example`, port: 80 };
  const judgement = { verdict: "refused", reason: "NotListed", message: "no rule" } as const;
  return { kind: "decision", seq, time: seq, id: "relay", sandbox: NAME, generation: 1, ...asked, ...judgement };
}

async function open(folder: string) {
  const failures: unknown[] = [];
  const log = await EgressLog.open({ folder, meter: METER, writeFailed: (error) => failures.push(error) });
  const hear = async (seq: number): Promise<void> => {
    log.heard(RUN, refusal(seq), "all");
    await log.flush();
  };
  const hosts = async (): Promise<string[]> => {
    const { items } = await log.view(NAME, 10);
    return items.flatMap((item) => (item.kind === "decision" ? [item.host] : []));
  };
  return { failures, hear, hosts };
}

const HALF = '{"run":"proxy 1","record":{"kind":"deci';

test("a line that a kill cut off takes none of those before and after it with it", async () => {
  const folder = await createFolder();
  await (await open(folder)).hear(1);
  await appendFile(join(folder, `${NAME}.ndjson`), HALF);
  const { hear, hosts } = await open(folder);
  await hear(2);
  await hear(3);
  expect(await hosts()).toEqual(["1.example", "2.example", "3.example"]);
});

test("nor does one that a full disk cut off, once there is room", async () => {
  const folder = await createFolder();
  const path = join(folder, `${NAME}.ndjson`);
  const { failures, hear, hosts } = await open(folder);
  await hear(1);
  await rename(path, `${path}.full`);
  await mkdir(path);
  await hear(2);
  expect(failures).toHaveLength(1);
  await rmdir(path);
  await rename(`${path}.full`, path);
  await appendFile(path, HALF);
  await hear(3);
  expect(await hosts()).toEqual(["1.example", "3.example"]);
});
