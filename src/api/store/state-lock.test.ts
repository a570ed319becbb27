// Takes the lock in real processes and kills them: what counts is who may start afterwards.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { toEpochMs } from "../brands.ts";
import { OperationError } from "../errors.ts";
import { createFolder, eventually } from "./folder.fixture.ts";
import { StateLock } from "./state-lock.ts";

const me = { pid: process.pid, host: "here", startedAt: toEpochMs(Date.UTC(2026, 0, 31, 12)) };

async function acquire(folder: string): Promise<StateLock> {
  const lock = await StateLock.acquire(folder, me);
  onTestFinished(() => lock.release());
  return lock;
}

/** Another process that has the lock. */
async function startHolder(folder: string): Promise<ChildProcess> {
  const script = `const { StateLock } = await import(${JSON.stringify(new URL("state-lock.ts", import.meta.url).href)});
    globalThis.lock = await StateLock.acquire(${JSON.stringify(folder)}, { pid: process.pid, host: "there", startedAt: 0 });
    console.log("locked"); setInterval(() => {}, 1000);`;
  const holder = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void holder.kill("SIGKILL"));
  let output = "";
  holder.stdout?.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  await eventually("the other process has the lock", () => output.includes("locked"));
  return holder;
}

test("a second controller is refused, and told who works there since when, and what to do", async () => {
  const folder = join(await createFolder(), "controller");
  await acquire(folder);
  const refusal = await StateLock.acquire(folder, me).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(OperationError);
  expect(refusal).toMatchObject({
    code: "HostRejected",
    message: `another controller (pid ${process.pid} on here, since 2026-01-31T12:00:00.000Z) is using this state folder`,
    fix: "stop it, or give this one another --state-dir",
  });
});

test("another process has the lock until it is killed, and its leftovers stop nobody", async () => {
  const folder = join(await createFolder(), "controller");
  const holder = await startHolder(folder);
  await expect(StateLock.acquire(folder, me)).rejects.toThrow(`pid ${holder.pid} on there`);
  holder.kill("SIGKILL");
  await eventually("the other process is dead", () => holder.signalCode === "SIGKILL");
  expect((await stat(join(folder, "lock.json"))).isFile()).toBe(true);
  expect(await (await acquire(folder)).isIntact()).toBe(true);
});

test("a released lock can be taken again, and releasing twice is releasing once", async () => {
  const folder = await createFolder();
  const first = await acquire(folder);
  first.release();
  first.release();
  const second = await acquire(folder);
  await expect(StateLock.acquire(folder, me)).rejects.toThrow(OperationError);
  second.release();
});

test("controllers on different state folders do not meet", async () => {
  await acquire(await createFolder());
  await acquire(await createFolder());
});

test("a holder whose note is junk or gone still holds", async () => {
  const folder = join(await createFolder(), "gateway");
  await acquire(folder);
  await writeFile(join(folder, "lock.json"), "{");
  await expect(StateLock.acquire(folder, me)).rejects.toThrow("another gateway is using this state folder");
  await rm(join(folder, "lock.json"));
  await expect(StateLock.acquire(folder, me)).rejects.toThrow("another gateway is using this state folder");
});

test("a lock whose file was deleted or replaced knows that it protects nothing any more", async () => {
  const folder = await createFolder();
  const lock = await acquire(folder);
  expect(await lock.isIntact()).toBe(true);
  await rm(join(folder, "lock.db"));
  expect(await lock.isIntact()).toBe(false);
  await acquire(folder);
  expect(await lock.isIntact()).toBe(false);
});

test("what is no lock file is an error that names it", async () => {
  const junk = await createFolder();
  await writeFile(join(junk, "lock.db"), "junk".repeat(1_000));
  await expect(StateLock.acquire(junk, me)).rejects.toMatchObject({ code: "HostRejected" });
  const folder = await createFolder();
  await mkdir(join(folder, "lock.db"));
  await expect(StateLock.acquire(folder, me)).rejects.toThrow("lock.db");
});

test.each([
  ["text", "not a database, and longer than a header of one hundred bytes ".repeat(4)],
  ["zeros after a header", `SQLite format 3\0${"\0".repeat(200)}`],
])("a lock file that is junk (%s) is refused with the command that helps, and helps", async (_, content) => {
  const folder = await createFolder();
  const path = join(folder, "lock.db");
  await writeFile(path, content);
  const refusal = await StateLock.acquire(folder, me).catch((error: unknown) => error);
  expect(refusal).toMatchObject({ code: "HostRejected", fix: expect.stringContaining(`rm '${path}'`) });
  await rm(path);
  await acquire(folder);
});

test("a folder in the lock file's place is named as one", async () => {
  const folder = await createFolder();
  await mkdir(join(folder, "lock.db"));
  await expect(StateLock.acquire(folder, me)).rejects.toMatchObject({ fix: expect.stringContaining("it is not a file") });
});
