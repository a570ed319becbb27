// What the image's entry point does as root before it becomes another user, run for real with a `setpriv` that records whom it is asked to become.
// That the containers then run so is compose.engine.test.ts's.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { type Run, run } from "./run-program.ts";

const ENTRYPOINT = resolve(import.meta.dirname, "../images/openclaw/entrypoint.sh");
/** Root by another spelling, or a number that is nobody's. */
const REFUSED = ["0", "00", "0x0", "0x3e8", "-1", "+1", " ", " 0", "1000 ", "1000:0", "1000\n0", "root", "1e3"];
const TOO_LARGE = ["2147483648", "4294967294", "4294967295", "4294967296", "4294968296", "18446744073709551616", "9".repeat(40)];

let folder = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "openclaw-entrypoint-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, "path"));
  const stub = (name: string, script: string): void => {
    writeFileSync(join(folder, "path", name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(folder, "path", name), 0o755);
  };
  stub("id", "echo 0");
  stub("chown", ":");
  stub("setpriv", 'printf "%s " "$@"');
});

const start = (user: Record<string, string>): Promise<Run> =>
  run("/bin/sh", [ENTRYPOINT, "sh", "-c", "id -u"], {
    env: { PATH: `${join(folder, "path")}:/usr/bin:/bin`, OPENCLAW_STATE_DIR: join(folder, "state"), ...user },
  });

test.each([...REFUSED, ...TOO_LARGE])("never becomes root, whatever number it is asked to become: %j", async (id) => {
  for (const user of [
    { OPENCLAW_UID: id, OPENCLAW_GID: "1000" },
    { OPENCLAW_UID: "1000", OPENCLAW_GID: id },
  ]) {
    const { code, stdout, stderr } = await start(user);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain("the numbers of a user who is not root are needed, 1 to 2147483647");
  }
});

test("becomes whom it is asked to become, and the image's user where nobody is named", async () => {
  expect((await start({ OPENCLAW_UID: "2147483647", OPENCLAW_GID: "1" })).stdout).toContain("--reuid 2147483647 --regid 1 --groups 1");
  expect((await start({ OPENCLAW_UID: "", OPENCLAW_GID: "" })).stdout).toContain("--reuid 1000 --regid 1000 ");
});
