import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { desiredOf } from "../decide/decide.fixture.ts";
import { examineWorkspaces } from "./workspace-checks.ts";

let root = "";
let workspace = "";
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "openclaw-doctor-")));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  workspace = join(root, "agent-main-0123456789abcdef");
  mkdirSync(join(workspace, "bin"), { recursive: true, mode: 0o700 });
});

const examine = (docker: object = {}) => examineWorkspaces([desiredOf({ workspaceRoot: root, docker }).settings]);

test("workspaces that nobody else reaches and nothing is wrong with are told with what they take", async () => {
  writeFileSync(join(workspace, "file"), Buffer.alloc(1_048_576, 1));
  expect(await examine()).toEqual([
    { check: "workspace-files", level: "ok", message: expect.stringMatching(/^1 workspace uses 1\.\d MiB$/), fix: null },
  ]);
});

test("a folder of workspaces that other users reach is found with the chmod that closes it", async () => {
  chmodSync(root, 0o755);
  expect(await examine()).toEqual([expect.objectContaining({ level: "warn", fix: `chmod 0700 ${root}` })]);
});

test.each([
  [0o4755, "setuid"],
  [0o2755, "setgid"],
])("a file of mode %o (%s) in a workspace is found, with a command that takes the bit away as its owner", async (mode) => {
  const program = join(workspace, "bin", "program");
  writeFileSync(program, "");
  chmodSync(program, mode);
  const [finding, ...more] = await examine();
  expect(more).toEqual([]);
  expect(finding?.message).toContain(`1 file with the setuid or setgid bit in ${workspace}`);
  expect(finding?.fix).toBe(`sudo -u '#${process.getuid?.()}' find ${workspace} -xdev -type f -perm /6000 -exec chmod ug-s {} +`);
});

test("a workspace above its size is found", async () => {
  writeFileSync(join(workspace, "file"), Buffer.alloc(2_097_152, 1));
  expect(await examine({ workspaceSize: "1m" })).toEqual([
    expect.objectContaining({ level: "warn", fix: expect.stringContaining("docker.workspaceSize") }),
  ]);
});
