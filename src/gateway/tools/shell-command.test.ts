// What a command of `exec` has of the system and of HOME, run by every shell that this host has as /bin/sh.
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { renderCommand, type ShellSettings, toShellCommand } from "./shell-command.ts";
import { makeFolder } from "./world.fixture.ts";

const isThere = (command: string): boolean => spawnSync("sh", ["-c", 'command -v "$1"', "sh", command]).status === 0;
const SHELLS = ["dash", "bash", "busybox", "mksh"].filter(isThere);

describe.each(SHELLS)("a command where /bin/sh is %s", (shell) => {
  function run(settings: ShellSettings, command: string): string {
    const home = makeFolder();
    writeFileSync(join(home, "system"), "SYSTEM=yes; PATH=/usr/bin:/bin\n");
    for (const name of [".profile", ".bash_profile", ".bashrc", ".mkshrc", ".shinit"]) writeFileSync(join(home, name), "OWN=yes\n");
    const { argv, env } = toShellCommand(command, {}, settings);
    const args = argv.slice(1).map((text) => text.replaceAll("/etc/profile", join(home, "system")));
    return spawnSync(shell, args, { argv0: "sh", cwd: home, env: { HOME: home, PATH: process.env.PATH, ...env }, encoding: "utf8" }).stdout;
  }

  it("has the system's profile and nothing of HOME, unless the config asks for it", () => {
    const show = 'echo "[$SYSTEM] [$OWN]"';
    expect(run({ path: undefined, loginProfile: false }, show)).toBe("[yes] []\n");
    expect(run({ path: undefined, loginProfile: true }, show)).toBe("[] [yes]\n");
  });

  it("has the folders of docker.env.PATH before the profile's", () => {
    expect(run({ path: "/custom/bin", loginProfile: false }, 'echo "$PATH"')).toBe("/custom/bin:/usr/bin:/bin\n");
  });
});

it.each([
  { path: undefined, loginProfile: false },
  { path: undefined, loginProfile: true },
  { path: "/custom/bin", loginProfile: false },
  { path: "/custom/bin", loginProfile: true },
])("a command is shown as it was written, however it is run (%j)", (settings) => {
  const command = "cd x && make\n# done";
  expect(renderCommand(toShellCommand(command, {}, settings).argv)).toBe(command);
  expect(renderCommand(["/bin/sh", "-c", command])).toBe(`/bin/sh -c ${command}`);
});
