// The script that ends commands, under each shell that /bin/sh may be, on processes of this machine.
import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { KILL_ALL, MARK_VARIABLE, toKillArguments, toKillEnvironment } from "./kill-script.ts";

const SHELLS: readonly (readonly string[])[] = [["dash"], ["bash", "--posix"], ["busybox", "sh"], ["mksh"]];
const WAIT_MS_MAX = 20_000;

let marks = 0;
const newMark = (): string => `k${process.pid}x${++marks}`;

/** Pids of the sleeping processes that say so in their arguments and have not ended. */
function sleepers(seconds: number): number[] {
  return readdirSync("/proc").flatMap((pid) => {
    try {
      const isOne = readFileSync(`/proc/${pid}/cmdline`, "utf8") === `sleep\0${seconds}\0`;
      return isOne && !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "utf8")) ? [Number(pid)] : [];
    } catch {
      return [];
    }
  });
}

let seconds = 1_000_000 + process.pid * 100;
/** A duration that no other test sleeps for. */
const newSeconds = (): number => ++seconds;

async function until(what: string, holds: () => boolean): Promise<void> {
  const endMs = performance.now() + WAIT_MS_MAX;
  while (!holds()) {
    if (performance.now() > endMs) throw new Error(`still not so: ${what}`);
    await pause(20);
  }
}

/** Leads a session; what is left of it is ended after the test. */
function start(script: string, mark: string | null, program: readonly string[] = []): ChildProcess {
  const [command = "sh", ...args] = [...program, "sh", "-c", script];
  const env = { PATH: process.env.PATH, ...(mark === null ? {} : { [MARK_VARIABLE]: mark }) };
  const child = spawn(command, args, { detached: true, stdio: "ignore", env });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

async function run(shell: readonly string[], args: readonly string[], own: string): Promise<number | null> {
  const [program = "", ...before] = shell;
  const child = spawn(program, [...before, "-c", KILL_ALL, "openclaw-kill", ...args], { stdio: "ignore", env: toKillEnvironment(own) });
  return await new Promise((resolve) => child.once("close", resolve));
}

describe.each(SHELLS.map((shell) => ({ shell, name: shell.join(" ") })))("the script that ends commands, under $name", ({ shell }) => {
  test("ends any number of them at once, with what left their sessions and has no mark, and nothing else", async () => {
    const [mine, others] = [newSeconds(), newSeconds()];
    const scripts = [
      `sleep ${mine} & wait`,
      `setsid sleep ${mine} & setsid sh -c 'env -i sleep ${mine} & exec sleep ${mine}' & wait`,
      `trap "" TERM INT HUP; env -i setsid sh -c 'sleep ${mine}; :' & wait`,
    ];
    const commands = scripts.map((script) => {
      const mark = newMark();
      return { mark, child: start(script, mark) };
    });
    start(`sleep ${others} & wait`, newMark());
    start(`sleep ${others} & wait`, null);
    await until("all sleep", () => sleepers(mine).length === 5 && sleepers(others).length === 2);
    const own = newMark();
    const targets = commands.map(({ mark, child }, index) => ({ mark, leader: index === 1 ? null : String(child.pid) }));
    const code = await run(shell, toKillArguments(own, targets), own);
    expect({ code, mine: sleepers(mine), others: sleepers(others).length }).toEqual({ code: 0, mine: [], others: 2 });
  });

  test.each([
    { name: "a) Z 1\\n", what: "one that has ended" },
    { name: "a\\nb", what: "one without a parent" },
  ])("ends what gives itself a name of two lines to look like $what", async ({ name }) => {
    const mine = newSeconds();
    const mark = newMark();
    const child = start(`env -i setsid sh -c 'printf "${name}" >/proc/self/comm; sleep ${mine} & wait' & wait`, mark);
    await until("it sleeps", () => sleepers(mine).length === 1);
    const own = newMark();
    expect(await run(shell, toKillArguments(own, [{ mark, leader: String(child.pid) }]), own)).toBe(0);
    expect(sleepers(mine)).toEqual([]);
  });

  test("finds marks without a grep that it can trust, too", async () => {
    const mine = newSeconds();
    const mark = newMark();
    start(`setsid sleep ${mine} & wait`, mark);
    await until("it sleeps", () => sleepers(mine).length === 1);
    // Its own mark is not in its environment: what grep finds proves nothing.
    expect(await run(shell, toKillArguments("none", [{ mark, leader: null }]), newMark())).toBe(0);
    expect(sleepers(mine)).toEqual([]);
  });

  test("does nothing when an argument is not what it should be", async () => {
    const others = newSeconds();
    start(`sleep ${others} & wait`, newMark());
    await until("it sleeps", () => sleepers(others).length === 1);
    const own = newMark();
    for (const bad of ["", "*", "a b", "$(exit 0)", "x[$(exit 0)]"]) expect(await run(shell, [own, bad, ""], own)).toBe(2);
    for (const bad of ["", "0", "1", "-1", "a[$(exit 0)]", "*"]) expect(await run(shell, [own, newMark(), bad], own)).toBe(0);
    expect(sleepers(others)).toHaveLength(1);
  });
});

test("an orphan is ended with the init that took it in, whatever it calls itself", async ({ skip }) => {
  const init = ["/usr/bin/docker-init", "/usr/libexec/docker/docker-init", "/usr/bin/tini"].find((path) => {
    try {
      return readFileSync(path).length > 0;
    } catch {
      return false;
    }
  });
  if (init === undefined) return skip("this machine has no tini");
  const mine = newSeconds();
  const mark = newMark();
  // The name of the one in between holds a line's end and a parenthesis.
  const odd = `printf 'a) Z 1\\n1 (b' >/proc/self/comm 2>/dev/null; (env -i setsid sh -c 'sleep ${mine} & wait' &)`;
  const child = start(`sh -c "${odd.replaceAll('"', '\\"')}"; sleep ${mine}`, mark, [init, "-s", "--"]);
  await until("both sleep", () => sleepers(mine).length === 2);
  const own = newMark();
  expect(await run(["sh"], toKillArguments(own, [{ mark, leader: String(child.pid) }]), own)).toBe(0);
  expect(sleepers(mine)).toEqual([]);
});
