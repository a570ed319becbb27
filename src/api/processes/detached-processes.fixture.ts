// What detached processes are held to wherever they run: the same table for a sandbox's (controller/servers) and for those on the gateway's host.
// Each caller says how they are reached; nothing here knows.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { ProcessLog, SandboxProcess } from "../wire.ts";
import type { DetachedProcesses } from "./detached-processes.ts";

export type Processes = Pick<DetachedProcesses, "start" | "list" | "readLog" | "write" | "kill">;

let ids = 0;

export const newProcessId = (): string => `t${process.pid}x${++ids}`.padEnd(8, "0");

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "openclaw-processes-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function untilExited(processes: Processes, id: string): Promise<SandboxProcess> {
  for (let tries = 0; tries < 100; tries += 1) {
    const { process } = await processes.readLog(id, { offset: Number.MAX_SAFE_INTEGER, limit: 0, waitMs: 1_000 });
    if (process.state === "exited") return process;
  }
  throw new Error(`process ${id} did not exit`);
}

async function readAll(processes: Processes, id: string, offset = 0): Promise<{ data: Buffer; offset: number; process: SandboxProcess }> {
  const pieces: Buffer[] = [];
  let first: number | null = null;
  for (let at = offset; ; ) {
    const log: ProcessLog = await processes.readLog(id, { offset: at, limit: 1_000_000, waitMs: 1_000 });
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

export interface Subject {
  /** That runs the scripts. */
  shell: readonly string[];
  /** Processes that keep what they know in a folder. Opened again it is as after a restart of who opened it. */
  open(root: string): Processes;
  /** Where in that folder their records are. */
  records(root: string): string;
}

export function testDetachedProcesses({ open, records, shell: [command = "sh"] }: Subject): void {
  const check = (name: string, run: () => Promise<void>): void => {
    test(name, async (context) => {
      if (!has(command)) return context.skip(`${command} is not installed here`);
      await run();
    });
  };

  check("a process's output, arguments and exit code are known after it ended", async () => {
    const processes = open(makeFolder());
    const argv = ["sh", "-c", 'printf "%s|" "$@"; echo err >&2; exit 7', "sh", "two words", "", "$(id)`id`", "line\nbreak", "-n", "ü"];
    const started = await processes.start({ argv });
    expect(started.argv).toEqual(argv);
    const { data, process } = await readAll(processes, started.id);
    expect(data.toString()).toBe("two words||$(id)`id`|line\nbreak|-n|ü|err\n");
    expect(process).toMatchObject({ state: "exited", exitCode: 7, timedOut: false, droppedBytes: 0, outputLost: false });
  });

  check("a process that a signal ended has 128 and its number for an exit code, a real-time one too", async () => {
    const processes = open(makeFolder());
    for (const number of [15, 34, 64]) {
      const { id } = await processes.start({ argv: ["sh", "-c", `kill -${number} $$`] });
      expect((await untilExited(processes, id)).exitCode).toBe(128 + number);
    }
  });

  check("another process, as after a restart of its owner, lists, reads, writes and ends it", async () => {
    const folder = makeFolder();
    const { id } = await open(folder).start({
      argv: ["sh", "-c", 'while read -r line; do echo "got $line"; done; echo end'],
    });
    const processes = open(folder);
    expect(await processes.list()).toMatchObject([{ id, state: "running", exitCode: null }]);
    await processes.write(id, { data: Buffer.from("one\n").toString("base64"), end: false });
    const log = await processes.readLog(id, { offset: 0, limit: 100, waitMs: 5_000 });
    expect(Buffer.from(log.data, "base64").toString()).toBe("got one\n");
    await processes.write(id, { data: Buffer.from("two\n").toString("base64"), end: true });
    const { data, process } = await readAll(processes, id, log.nextOffset);
    expect(data.toString()).toBe("got two\nend\n");
    expect(process.exitCode).toBe(0);
    await expect(processes.write(id, { data: "eA==", end: false })).rejects.toMatchObject({ code: "Aborted" });
  });

  check("output is binary and comes as it was written", async () => {
    const processes = open(makeFolder());
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
    const { id } = await processes.start({ argv: ["cat"] });
    await processes.write(id, { data: bytes.toString("base64"), end: true });
    expect((await readAll(processes, id)).data.equals(bytes)).toBe(true);
  });

  check("a log keeps its end, says what was dropped, and offsets stay true", async () => {
    const processes = open(makeFolder());
    // 8 bytes a line: the line at offset n is n / 8.
    const { id } = await processes.start({ argv: ["awk", 'BEGIN { for (i = 0; i < 800000; i++) printf "%07d\\n", i }'] });
    const process = await untilExited(processes, id);
    expect(process.outputBytes).toBe(6_400_000);
    expect(process.droppedBytes).toBeGreaterThan(1_500_000);
    expect(process.outputBytes - process.droppedBytes).toBeGreaterThan(2_500_000);
    const { data, offset } = await readAll(processes, id, 100);
    expect(offset).toBe(process.droppedBytes);
    expect(offset + data.length).toBe(6_400_000);
    const at = Math.ceil(offset / 8) * 8;
    expect(data.toString("latin1", at - offset, at - offset + 7)).toBe(String(at / 8).padStart(7, "0"));
    expect(data.toString("latin1", data.length - 8)).toBe("0799999\n");
    const middle = await processes.readLog(id, { offset: 6_000_001, limit: 9, waitMs: 0 });
    expect(Buffer.from(middle.data, "base64").toString()).toBe("750000\n07");
  });

  check("KILL ends the command, what it started, and what left its session, also one that names itself as if it had ended", async () => {
    const processes = open(makeFolder());
    const named = `setsid sh -c 'printf "a) Z 1\\n" >/proc/self/comm; echo up; while :; do sleep 60; done'`;
    const { id } = await processes.start({ argv: ["sh", "-c", `setsid sleep 60 & sleep 60 & ${named} & sleep 60`] });
    await processes.readLog(id, { offset: 0, limit: 10, waitMs: 5_000 });
    expect(await processes.kill(id, "KILL")).toMatchObject({ state: "exited", exitCode: 137 });
    expect(marked(id)).toEqual([]);
  });

  check("INT and TERM reach a command that handles them", async () => {
    const processes = open(makeFolder());
    const { id } = await processes.start({
      argv: ["sh", "-c", "trap 'echo int' INT; trap 'echo term; exit 3' TERM; echo up; while :; do sleep 0.05; done"],
    });
    await processes.readLog(id, { offset: 0, limit: 10, waitMs: 5_000 });
    await processes.kill(id, "INT");
    await processes.readLog(id, { offset: 3, limit: 10, waitMs: 5_000 });
    await processes.kill(id, "TERM");
    const { data, process } = await readAll(processes, id);
    expect(data.toString()).toContain("up\nint\n");
    expect(data.toString()).toContain("term\n");
    expect(process.exitCode).toBe(3);
  });

  check("a process that outlives its time is ended and said to be", async () => {
    const processes = open(makeFolder());
    const { id } = await processes.start({ argv: ["sleep", "60"], timeoutMs: 1_000 });
    expect(await untilExited(processes, id)).toMatchObject({ exitCode: 137, timedOut: true });
  });

  check("a command in the background makes files as one in the foreground does", async () => {
    const folder = makeFolder();
    const path = join(folder, "made");
    const { id } = await open(folder).start({ argv: ["sh", "-c", ': >"$0"', path] });
    await untilExited(open(folder), id);
    const mask = Number.parseInt(execFileSync("sh", ["-c", "umask"], { encoding: "utf8" }), 8);
    expect(statSync(path).mode & 0o777).toBe(0o666 & ~mask);
  });

  check("a command that does not exist ends with 127 and says so in its log", async () => {
    const processes = open(makeFolder());
    const { id } = await processes.start({ argv: ["no-such-command"] });
    const { data, process } = await readAll(processes, id);
    expect(process.exitCode).toBe(127);
    expect(data.toString()).toContain("no-such-command");
  });

  check("a process whose supervisor was killed counts as ended, with no exit code", async () => {
    const folder = makeFolder();
    const processes = open(folder);
    const { id } = await processes.start({ argv: ["sleep", "60"] });
    process.kill(Number(execFileSync("cat", [join(records(folder), id, "supervisor")], { encoding: "utf8" })), "SIGKILL");
    expect(await untilExited(processes, id)).toMatchObject({ state: "exited", exitCode: null });
    await processes.kill(id, "KILL");
    expect(marked(id)).toEqual([]);
  });

  check("a record that was tampered with is an error, and names that are no ids are not found", async () => {
    const folder = makeFolder();
    const processes = open(folder);
    const { id } = await processes.start({ argv: ["true"] });
    await untilExited(processes, id);
    for (const hostile of ["../../etc", "a b", "$(id)", "", "x".repeat(40), "aaaaaaaa\n"]) {
      await expect(processes.readLog(hostile, { offset: 0, limit: 1, waitMs: 0 })).rejects.toMatchObject({ code: "NotFound" });
      await expect(processes.kill(hostile, "KILL")).rejects.toMatchObject({ code: "NotFound" });
    }
    writeFileSync(join(records(folder), id, "started"), "12345678901234567890 running\n");
    expect(await processes.list()).toMatchObject([{ id, startedAt: 0 }]);
    writeFileSync(join(records(folder), id, `log.${"9".repeat(18)}`), "x");
    await expect(processes.list()).rejects.toMatchObject({ code: "RecordsBroken" });
  });

  check("old records make room for new ones", async () => {
    const folder = makeFolder();
    const processes = open(folder);
    execFileSync("sh", [
      "-c",
      'mkdir -p "$1"; i=10; while [ $i -lt 80 ]; do d=$1/oldone$i; mkdir "$d"; : >"$d/log.0"; echo 0 >"$d/exit"; echo $i >"$d/started"; i=$((i+1)); done',
      "sh",
      records(folder),
    ]);
    const { id } = await processes.start({ argv: ["true"] });
    await untilExited(processes, id);
    expect(readdirSync(records(folder))).toHaveLength(64);
    expect(readdirSync(records(folder))).not.toContain("oldone10");
  });
}

/** Processes of this host whose environment carries the process's mark. */
function marked(id: string): string[] {
  const script =
    'for e in /proc/[0-9]*; do grep -qF "OPENCLAW_PROCESS_ID=$1" "$e/environ" 2>/dev/null && grep -qv "^State:.Z" "$e/status" && ! grep -q "^State:.Z" "$e/status" && echo "$e"; done; true';
  return execFileSync("sh", ["-c", script, "sh", id], { encoding: "utf8" }).split("\n").filter(Boolean);
}
