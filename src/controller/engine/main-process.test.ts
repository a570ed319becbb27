// What this host's own table of processes shows of a container, on tables made for it, and on the one of this machine.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { toContainerId } from "../../api/brands.ts";
import { AT_REST } from "./docker-create.ts";
import { readMainCommandLines } from "./main-process.ts";

const ID = toContainerId("a".repeat(64));

function makeTable(files: Readonly<Record<string, string>>): string {
  const table = mkdtempSync(join(tmpdir(), "openclaw-proc-"));
  onTestFinished(() => rmSync(table, { recursive: true, force: true }));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(table, path)), { recursive: true });
    writeFileSync(join(table, path), content);
  }
  return table;
}

const INIT = {
  "7/cgroup": `12:pids:/docker/${ID}\n0::/system.slice/docker-${ID}.scope\n`,
  "7/task/7/children": "8 9 ",
  "7/cmdline": "/sbin/docker-init\0--\0/bin/sh\0",
  "8/cmdline": `${AT_REST.replaceAll(" ", "\0")}\0`,
};

test("the first process and its children are shown as ps prints them; one that has gone meanwhile is nothing", () => {
  expect(readMainCommandLines(ID, 7, makeTable(INIT))).toEqual(["/sbin/docker-init -- /bin/sh", AT_REST, ""]);
});

test("what was left behind there is read to no more than some lines, the main process among them", () => {
  const others = Array.from({ length: 500 }, (_, index) => 100 + index);
  const files = Object.fromEntries(others.map((pid) => [`${pid}/cmdline`, "x".repeat(100_000)]));
  const lines = readMainCommandLines(ID, 7, makeTable({ ...INIT, ...files, "7/task/7/children": ["8", ...others].join(" ") }));
  expect(lines).toContain(AT_REST);
  expect(lines?.join("").length).toBeLessThan(10_000);
});

test.each([
  ["a process of another container", { ...INIT, "7/cgroup": `0::/docker/${"b".repeat(64)}\n` }, 7],
  ["a process of this host", { ...INIT, "7/cgroup": "0::/user.slice\n" }, 7],
  ["a number that is nobody's", INIT, 70],
  ["no number", INIT, 0],
  ["a kernel that shows no children", { "7/cgroup": INIT["7/cgroup"], "7/cmdline": INIT["7/cmdline"] }, 7],
] as const)("%s says nothing", (_, files, pid) => {
  expect(readMainCommandLines(ID, pid, makeTable(files))).toBeNull();
});

test("a process of this machine is none of a container's", () => {
  expect(readMainCommandLines(ID, process.pid)).toBeNull();
});
