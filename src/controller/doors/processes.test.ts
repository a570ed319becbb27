// Detached processes, with their scripts run by every shell that this host has. In a container: processes.engine.test.ts.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterEach, describe, expect, test } from "vitest";
import { type SandboxName, toContainerId, toSandboxName, toSandboxUid } from "../../api/brands.ts";
import type { ProcessLog, SandboxProcess } from "../../api/wire.ts";
import { createSystemClock } from "../clock.ts";
import type { SandboxAccess } from "../sandbox-access.ts";
import { silentMeter } from "./door.fixture.ts";
import { makeHostShellEngine } from "./host-shell.fixture.ts";
import { ProcessDoor } from "./processes.ts";

const NAME: SandboxName = toSandboxName("openclaw-sbx-test");
const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "openclaw-processes-"));
  folders.push(folder);
  return join(folder, "processes");
}

let ids = 0;

function openDoor(shell: readonly string[], folder = makeFolder()): ProcessDoor {
  const handle = { id: toContainerId("c1"), uid: toSandboxUid("u1"), incarnation: "1" };
  const access: SandboxAccess = {
    engine: makeHostShellEngine(shell),
    lease: async () => ({
      handle,
      spec: { name: NAME, workdir: "/", user: "", env: {} },
      revoked: new AbortController().signal,
      [Symbol.dispose]: () => undefined,
    }),
  };
  const newProcessId = (): string => `t${process.pid}x${++ids}`.padEnd(8, "0");
  return new ProcessDoor({ access, meter: silentMeter, clock: createSystemClock(), newProcessId, log: pino({ level: "silent" }), folder });
}

async function untilExited(door: ProcessDoor, id: string): Promise<SandboxProcess> {
  for (let tries = 0; tries < 100; tries += 1) {
    const { process } = await door.readLog(NAME, id, { offset: Number.MAX_SAFE_INTEGER, limit: 0, waitMs: 1_000 });
    if (process.state === "exited") return process;
  }
  throw new Error(`process ${id} did not exit`);
}

async function readAll(door: ProcessDoor, id: string, offset = 0): Promise<{ data: Buffer; offset: number; process: SandboxProcess }> {
  const pieces: Buffer[] = [];
  let first: number | null = null;
  for (let at = offset; ; ) {
    const log: ProcessLog = await door.readLog(NAME, id, { offset: at, limit: 1_000_000, waitMs: 1_000 });
    first ??= log.offset;
    pieces.push(Buffer.from(log.data, "base64"));
    at = log.nextOffset;
    if (log.process.state === "exited" && at >= log.process.outputBytes)
      return { data: Buffer.concat(pieces), offset: first, process: log.process };
  }
}

const has = (command: string): boolean => {
  try {
    execFileSync("sh", ["-c", 'command -v "$1"', "sh", command], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
};

const SHELLS = [["dash"], ["bash"], ["busybox", "sh"]];

describe.each(SHELLS.map((shell) => ({ name: shell.join(" "), shell })))("detached processes under $name", ({ shell }) => {
  const [command = ""] = shell;
  const there = has(command);
  const testHere = (name: string, run: () => Promise<void>): void => {
    test(name, async (context) => {
      if (!there) return context.skip(`${command} is not installed here`);
      await run();
    });
  };

  testHere("a process's output, arguments and exit code are known after it ended", async () => {
    const door = openDoor(shell);
    const argv = ["sh", "-c", 'printf "%s|" "$@"; echo err >&2; exit 7', "sh", "two words", "", "$(id)`id`", "line\nbreak", "-n", "ü"];
    const started = await door.start(NAME, { argv });
    expect(started.argv).toEqual(argv);
    const { data, process } = await readAll(door, started.id);
    expect(data.toString()).toBe("two words||$(id)`id`|line\nbreak|-n|ü|err\n");
    expect(process).toMatchObject({ state: "exited", exitCode: 7, timedOut: false, droppedBytes: 0, outputLost: false });
  });

  testHere("another door, as after a restart of the controller, lists, reads, writes and ends it", async () => {
    const folder = makeFolder();
    const { id } = await openDoor(shell, folder).start(NAME, {
      argv: ["sh", "-c", 'while read -r line; do echo "got $line"; done; echo end'],
    });
    const door = openDoor(shell, folder);
    expect(await door.list(NAME)).toMatchObject([{ id, state: "running", exitCode: null }]);
    await door.write(NAME, id, { data: Buffer.from("one\n").toString("base64"), end: false });
    const log = await door.readLog(NAME, id, { offset: 0, limit: 100, waitMs: 5_000 });
    expect(Buffer.from(log.data, "base64").toString()).toBe("got one\n");
    await door.write(NAME, id, { data: Buffer.from("two\n").toString("base64"), end: true });
    const { data, process } = await readAll(door, id, log.nextOffset);
    expect(data.toString()).toBe("got two\nend\n");
    expect(process.exitCode).toBe(0);
    await expect(door.write(NAME, id, { data: "eA==", end: false })).rejects.toMatchObject({ code: "Aborted" });
  });

  testHere("output is binary and comes as it was written", async () => {
    const door = openDoor(shell);
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
    const { id } = await door.start(NAME, { argv: ["cat"] });
    await door.write(NAME, id, { data: bytes.toString("base64"), end: true });
    expect((await readAll(door, id)).data.equals(bytes)).toBe(true);
  });

  testHere("a log keeps its end, says what was dropped, and offsets stay true", async () => {
    const door = openDoor(shell);
    // 8 bytes a line: the line at offset n is n / 8.
    const { id } = await door.start(NAME, { argv: ["awk", 'BEGIN { for (i = 0; i < 800000; i++) printf "%07d\\n", i }'] });
    const process = await untilExited(door, id);
    expect(process.outputBytes).toBe(6_400_000);
    expect(process.droppedBytes).toBeGreaterThan(1_500_000);
    expect(process.outputBytes - process.droppedBytes).toBeGreaterThan(2_500_000);
    const { data, offset } = await readAll(door, id, 100);
    expect(offset).toBe(process.droppedBytes);
    expect(offset + data.length).toBe(6_400_000);
    const at = Math.ceil(offset / 8) * 8;
    expect(data.toString("latin1", at - offset, at - offset + 7)).toBe(String(at / 8).padStart(7, "0"));
    expect(data.toString("latin1", data.length - 8)).toBe("0799999\n");
    const middle = await door.readLog(NAME, id, { offset: 6_000_001, limit: 9, waitMs: 0 });
    expect(Buffer.from(middle.data, "base64").toString()).toBe("750000\n07");
  });

  testHere("KILL ends the command, what it started, and what left its session", async () => {
    const door = openDoor(shell);
    const { id } = await door.start(NAME, { argv: ["sh", "-c", "setsid sleep 60 & sleep 60 & echo up; sleep 60"] });
    await door.readLog(NAME, id, { offset: 0, limit: 10, waitMs: 5_000 });
    expect(await door.kill(NAME, id, "KILL")).toMatchObject({ state: "exited", exitCode: 137 });
    expect(marked(id)).toEqual([]);
  });

  testHere("INT and TERM reach a command that handles them", async () => {
    const door = openDoor(shell);
    const { id } = await door.start(NAME, {
      argv: ["sh", "-c", "trap 'echo int' INT; trap 'echo term; exit 3' TERM; echo up; while :; do sleep 0.05; done"],
    });
    await door.readLog(NAME, id, { offset: 0, limit: 10, waitMs: 5_000 });
    await door.kill(NAME, id, "INT");
    await door.readLog(NAME, id, { offset: 3, limit: 10, waitMs: 5_000 });
    await door.kill(NAME, id, "TERM");
    const { data, process } = await readAll(door, id);
    expect(data.toString()).toContain("up\nint\n");
    expect(data.toString()).toContain("term\n");
    expect(process.exitCode).toBe(3);
  });

  testHere("a process that outlives its time is ended and said to be", async () => {
    const door = openDoor(shell);
    const { id } = await door.start(NAME, { argv: ["sleep", "60"], timeoutMs: 1_000 });
    expect(await untilExited(door, id)).toMatchObject({ exitCode: 137, timedOut: true });
  });

  testHere("a command that does not exist ends with 127 and says so in its log", async () => {
    const door = openDoor(shell);
    const { id } = await door.start(NAME, { argv: ["no-such-command"] });
    const { data, process } = await readAll(door, id);
    expect(process.exitCode).toBe(127);
    expect(data.toString()).toContain("no-such-command");
  });

  testHere("a process whose supervisor was killed counts as ended, with no exit code", async () => {
    const folder = makeFolder();
    const door = openDoor(shell, folder);
    const { id } = await door.start(NAME, { argv: ["sleep", "60"] });
    process.kill(Number(execFileSync("cat", [join(folder, id, "supervisor")], { encoding: "utf8" })), "SIGKILL");
    expect(await untilExited(door, id)).toMatchObject({ state: "exited", exitCode: null });
    await door.kill(NAME, id, "KILL");
    expect(marked(id)).toEqual([]);
  });
});

test("a record that was tampered with is an error, and names that are no ids are not found", async () => {
  const folder = makeFolder();
  const door = openDoor(["sh"], folder);
  const { id } = await door.start(NAME, { argv: ["true"] });
  await untilExited(door, id);
  for (const hostile of ["../../etc", "a b", "$(id)", "", "x".repeat(40), "aaaaaaaa\n"]) {
    await expect(door.readLog(NAME, hostile, { offset: 0, limit: 1, waitMs: 0 })).rejects.toMatchObject({ code: "NotFound" });
    await expect(door.kill(NAME, hostile, "KILL")).rejects.toMatchObject({ code: "NotFound" });
  }
  writeFileSync(join(folder, id, "started"), "12345678901234567890 running\n");
  expect(await door.list(NAME)).toMatchObject([{ id, startedAt: 0 }]);
  writeFileSync(join(folder, id, `log.${"9".repeat(18)}`), "x");
  await expect(door.list(NAME)).rejects.toMatchObject({ code: "EngineFailed" });
});

test("old records make room for new ones", async () => {
  const folder = makeFolder();
  const door = openDoor(["sh"], folder);
  execFileSync("sh", [
    "-c",
    'mkdir -p "$1"; i=10; while [ $i -lt 80 ]; do d=$1/oldone$i; mkdir "$d"; : >"$d/log.0"; echo 0 >"$d/exit"; echo $i >"$d/started"; i=$((i+1)); done',
    "sh",
    folder,
  ]);
  const { id } = await door.start(NAME, { argv: ["true"] });
  await untilExited(door, id);
  expect(readdirSync(folder)).toHaveLength(64);
  expect(readdirSync(folder)).not.toContain("oldone10");
});

/** Processes of this host whose environment carries the process's mark. */
function marked(id: string): string[] {
  const script =
    'for e in /proc/[0-9]*; do grep -qF "OPENCLAW_PROCESS_ID=$1" "$e/environ" 2>/dev/null && grep -qv "^State:.Z" "$e/status" && ! grep -q "^State:.Z" "$e/status" && echo "$e"; done; true';
  return execFileSync("sh", ["-c", script, "sh", id], { encoding: "utf8" }).split("\n").filter(Boolean);
}
