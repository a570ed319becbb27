// `start --detach` and `stop`: who runs is told by the lock and by nothing else, and what was not started so is never ended.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { toEpochMs } from "../src/api/brands.ts";
import { StateLock } from "../src/api/store/state-lock.ts";
import { toReasons } from "../src/cli/commands/start-detached.ts";
import { DetachedRun, findDetached, toStartLogPath } from "../src/cli/detached-start.ts";
import { makeStateDir } from "../src/controller/servers/server.fixture.ts";
import { cli, startCli, until } from "./cli.fixture.ts";

const now = () => toEpochMs(Date.now());

/** A run that ends when it is asked to. */
async function begin(stateDir: string): Promise<{ ended: Promise<void>; asked(): boolean }> {
  const end = Promise.withResolvers<void>();
  let asked = false;
  const stop = (): void => {
    if (asked) return;
    asked = true;
    void run.end().then(end.resolve);
  };
  const run = await DetachedRun.begin(stateDir, { startedAt: now(), stop });
  onTestFinished(async () => stop());
  return { ended: end.promise, asked: () => asked };
}

test("stop ends what runs, waits for its end, and then there is nothing to stop", async () => {
  const stateDir = makeStateDir();
  const run = await begin(stateDir);
  expect(await findDetached(stateDir, now())).toMatchObject({ pid: process.pid, host: hostname() });
  expect(await cli(["stop"], { stateDir })).toMatchObject({ code: 0, stdout: expect.stringContaining("Stopped") });
  await run.ended;
  expect(await cli(["stop"], { stateDir })).toMatchObject({ code: 3, stderr: expect.stringContaining("Ctrl-C") });
  expect(existsSync(join(stateDir, "start", "stop.json"))).toBe(false);
});

test("a second one is not started beside the first, which is named", async () => {
  const stateDir = makeStateDir();
  const run = await begin(stateDir);
  expect(await cli(["start", "--detach"], { stateDir })).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(new RegExp(`running already \\(pid ${process.pid}, .*\\n.*openclaw stop`)),
  });
  await expect(DetachedRun.begin(stateDir, { startedAt: now(), stop: () => undefined })).rejects.toThrow("another openclaw start --detach");
  expect(run.asked()).toBe(false);
});

test("a process whose number was written down, without the lock, is a stranger's and lives on", async () => {
  const stateDir = makeStateDir();
  const stranger = spawn("sleep", ["300"], { stdio: "ignore" });
  onTestFinished(() => void stranger.kill("SIGKILL"));
  await once(stranger, "spawn");
  mkdirSync(join(stateDir, "start"), { mode: 0o700 });
  const holder = { pid: stranger.pid, host: hostname(), startedAt: new Date().toISOString() };
  writeFileSync(join(stateDir, "start", "lock.json"), JSON.stringify(holder));
  expect(await cli(["stop"], { stateDir })).toMatchObject({ code: 3 });
  expect(stranger.exitCode ?? stranger.signalCode).toBeNull();
});

test("a request to stop that was meant for an earlier run ends no later one", async () => {
  const stateDir = makeStateDir();
  mkdirSync(join(stateDir, "start"), { mode: 0o700 });
  writeFileSync(join(stateDir, "start", "stop.json"), JSON.stringify({ startedAt: new Date(0).toISOString() }));
  const run = await begin(stateDir);
  writeFileSync(toStartLogPath(stateDir), "x");
  truncateSync(toStartLogPath(stateDir), 10_485_761);
  // The log is looked at right after the request.
  await until("the log was bounded", () => existsSync(`${toStartLogPath(stateDir)}.1`) && statSync(toStartLogPath(stateDir)).size === 0);
  expect(run.asked()).toBe(false);
});

test("a run that does not end is said to, in the given time, and is not killed", async () => {
  const stateDir = makeStateDir();
  const run = await DetachedRun.begin(stateDir, { startedAt: now(), stop: () => undefined });
  onTestFinished(() => run.end());
  expect(await cli(["stop", "--timeout", "600ms"], { stateDir })).toMatchObject({ code: 4, stderr: expect.stringContaining("start.log") });
});

test.each([
  ["compose", { OPENCLAW_PLACE: "compose" }, "docker compose up -d", "docker compose stop"],
  [
    "systemd",
    { OPENCLAW_PLACE: "systemd" },
    "systemctl start openclaw-controller openclaw-gateway",
    "systemctl stop openclaw-gateway openclaw-controller",
  ],
])("where %s runs the processes, it starts and ends them", async (_, env, start, stop) => {
  const stateDir = makeStateDir();
  expect(await cli(["start", "--detach"], { stateDir, env })).toMatchObject({ code: 1, stderr: expect.stringContaining(start) });
  expect(await cli(["stop"], { stateDir, env })).toMatchObject({ code: 1, stderr: expect.stringContaining(stop) });
  expect(existsSync(dirname(toStartLogPath(stateDir)))).toBe(false);
});

test("what ends at once is told with the end of its log", async () => {
  const stateDir = makeStateDir();
  writeFileSync(join(stateDir, "openclaw.json"), "{ gateway: { port: -1 } }");
  const { code, stderr } = await cli(["start", "--detach", "--metrics-listen", "nonsense"], {
    stateDir,
    env: { ...process.env } as Record<string, string>,
  });
  expect(code).toBe(1);
  expect(stderr).toMatch(/it ended at once \(exit code 1\):\n.*\n/);
  expect(await findDetached(stateDir, now())).toBeNull();
});

test("what was wrong is told, not what the other process said while it was ended, nor an earlier start", async () => {
  const news = Array.from({ length: 8 }, (_, at) => JSON.stringify({ level: 30, msg: `news ${at}` }));
  const fault = JSON.stringify({ level: 50, msg: "the port is taken" });
  expect(toReasons([...news, "openclaw: plain words", fault, ...news, ""].join("\n"))).toBe(`openclaw: plain words\n${fault}`);
  expect(toReasons(news.join("\n"))).toBe(news.slice(-5).join("\n"));
  const stateDir = makeStateDir();
  mkdirSync(join(stateDir, "start"), { mode: 0o700 });
  writeFileSync(toStartLogPath(stateDir), "openclaw: an earlier start's\n");
  const env = { ...process.env } as Record<string, string>;
  const { stderr } = await cli(["start", "--detach", "--port", "0"], { stateDir, env });
  expect(stderr).toMatch(/it ended at once \(exit code 1\):\n.*the config is invalid: .*: the file does not exist/s);
  expect(stderr).not.toContain("an earlier start's");
});

/** Whether a process has the lock of the folder; the look itself has it for a moment. */
async function isLocked(folder: string): Promise<boolean> {
  try {
    (await StateLock.acquire(folder, { pid: process.pid, host: hostname(), startedAt: now() })).release();
    return false;
  } catch (error) {
    if (StateLock.isHeld(error)) return true;
    throw error;
  }
}

test("controller and gateway end by themselves when the start that holds them is killed with -9", async () => {
  const stateDir = makeStateDir();
  writeFileSync(join(stateDir, "openclaw.json"), '{ gateway: { mode: "local" } }', { mode: 0o600 });
  const folders = [join(stateDir, "controller"), join(stateDir, "gateway")];
  const argv = [join(import.meta.dirname, "../src/cli/main.ts"), "start", "--port", "0", "--metrics-listen", "127.0.0.1:0"];
  const child = spawn(process.execPath, argv, {
    stdio: "ignore",
    // The controller goes on waiting for an engine that is not there.
    env: { ...process.env, OPENCLAW_STATE_DIR: stateDir, DOCKER_HOST: `unix://${stateDir}/no-engine.sock` },
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const holders = async (): Promise<(number | undefined)[]> =>
    await Promise.all(folders.map(async (folder) => (await StateLock.readHolder(folder))?.pid));
  await expect.poll(holders).toEqual([expect.any(Number), expect.any(Number)]);
  expect(await Promise.all(folders.map(isLocked))).toEqual([true, true]);
  child.kill("SIGKILL");
  await expect.poll(async () => await Promise.all(folders.map(isLocked))).toEqual([false, false]);
});

test.each([[["start", "--detach"]], [["start"]]])(
  "what a killed start left is waited for, with a word, and then %j goes on",
  { timeout: 60_000 },
  async (command) => {
    const stateDir = makeStateDir();
    writeFileSync(join(stateDir, "openclaw.json"), '{ gateway: { mode: "local" } }', { mode: 0o600 });
    // As a controller has it that is about to end.
    const folder = join(stateDir, "controller");
    const former = await StateLock.acquire(folder, { pid: 4711, host: hostname(), startedAt: now() });
    onTestFinished(() => former.release());
    onTestFinished(async () => void (await cli(["stop"], { stateDir })));
    const env = { ...process.env, DOCKER_HOST: `unix://${stateDir}/no-engine.sock` } as Record<string, string>;
    const run = startCli([...command, "--port", "0", "--metrics-listen", "127.0.0.1:0"], { stateDir, env });
    await until("it says whom it waits for", () => /another controller \(pid 4711, .* waiting up to 7 s/.test(run.noted));
    former.release();
    const holder = async (): Promise<number | undefined> => (await StateLock.readHolder(folder))?.pid;
    await expect.poll(holder, { timeout: 30_000 }).not.toBe(4711);
    // In the background it is asked to end, at a terminal it is signalled.
    if (command.includes("--detach")) expect(await cli(["stop"], { stateDir })).toMatchObject({ code: 0 });
    else run.signal("SIGTERM");
    await run.ended;
    expect(await isLocked(folder)).toBe(false);
  },
);

test("where another controller stays, a start waits for no longer than it said, and is refused as before", {
  timeout: 60_000,
}, async () => {
  const stateDir = makeStateDir();
  writeFileSync(join(stateDir, "openclaw.json"), '{ gateway: { mode: "local" } }', { mode: 0o600 });
  const other = await StateLock.acquire(join(stateDir, "controller"), { pid: 4711, host: hostname(), startedAt: now() });
  onTestFinished(() => other.release());
  const env = { ...process.env, DOCKER_HOST: `unix://${stateDir}/no-engine.sock` } as Record<string, string>;
  const { code, stderr } = await cli(["start", "--detach", "--port", "0", "--metrics-listen", "127.0.0.1:0"], { stateDir, env });
  expect({ code, stderr }).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/waiting up to 7 s.*another controller \(pid 4711.* is using/s),
  });
});
