// docker.setupCommand as it is run, by every shell that an image may have as /bin/sh, in a HOME full of files that shells read: none of them is run,
// the image's own profile is, and only a command that came to its end is taken for one that did.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { SETUP } from "../src/controller/engine/setup-script.ts";

const SHELLS = ["dash", "bash", "busybox", "mksh"] as const;
/** Of the attack, under each shell. */
const ROUNDS = process.env.OPENCLAW_TEST_LONG === "1" ? 1_000 : 20;
const RUN_MS_MAX = 20_000;
const MARKER = "0f1e2d3c-marker";

/** What login shells, shells and what they start read of HOME, or of the folder in which they are. */
const DOTFILES =
  ".profile .bash_profile .bash_login .bashrc .bash_logout .bash_aliases .zshenv .zshrc .zprofile .zlogin .zlogout .mkshrc .kshrc .shrc .ashrc .shinit .login .cshrc .i18n .env .envrc".split(
    " ",
  );
/** Variables that name a file to be read; `PLACE` is HOME, and the folder too. */
const POINTERS: readonly Record<string, string>[] = [
  {},
  { ENV: "PLACE/.env", BASH_ENV: "PLACE/.env" },
  { ENV: "$HOME/.env", BASH_ENV: "$HOME/.env" },
  { ENV: ".env", BASH_ENV: ".env" },
  { ENV: "/nowhere/../PLACE/.env", BASH_ENV: "/tmp/../PLACE/.env" },
  { ENV: "`echo PLACE`/.env", BASH_ENV: "$(echo PLACE)/.env" },
  { ENV: "~/.env", BASH_ENV: "~/.env" },
];
/** Profiles of images, and whether the command can still come to its end after them. */
const PROFILES: readonly (readonly [text: string, endable: boolean])[] = [
  ["PROFILE=read; export PROFILE; helper() { echo helped; }", true],
  ["PROFILE=read; export PROFILE; helper() { echo helped; }; false", true],
  ["PROFILE=read; export PROFILE; helper() { echo helped; }; exit 0", true],
  ["PROFILE=read; export PROFILE; helper() { echo helped; }; exit 7", true],
  ["PROFILE=read; export PROFILE; helper() { echo helped; }; return 0", true],
  ["PROFILE=read; export PROFILE; helper() { echo helped; }; set -a; set -- 1 2 3; IFS=f; umask 077", true],
  ["PROFILE=read; export PROFILE; exec true", false],
];
/** Commands of people, and how each ends. */
const COMMANDS: readonly (readonly [text: string, code: number])[] = [
  ["echo begin; echo $PROFILE; echo end", 0],
  ["echo $PROFILE\nexit 0\necho never", 0],
  ["echo $PROFILE; exec true", 0],
  ["bash -c 'echo $PROFILE'; sh -c :; true", 0],
  ["echo $PROFILE; exit 3", 3],
  ["echo $PROFILE; set -e; false; echo never", 1],
  ["echo $PROFILE && false && echo never", 1],
  ["echo $PROFILE; kill -KILL $$", 137],
];

interface Place {
  home: string;
  trace: string;
  profile: string;
}

function makePlace(): Place {
  const folder = mkdtempSync(join(tmpdir(), "openclaw-setup-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const place = { home: join(folder, "home"), trace: join(folder, "trace"), profile: join(folder, "profile") };
  mkdirSync(place.home);
  for (const name of DOTFILES) writeFileSync(join(place.home, name), `echo "$0" >>${place.trace}\nexit 0\n`);
  return place;
}

interface Setup {
  command: string;
  profile: string;
  pointers?: Record<string, string>;
}

function run(shell: string, place: Place, { command, profile, pointers = {} }: Setup) {
  writeFileSync(place.profile, `${profile}\n`);
  const script = SETUP.replaceAll("/etc/profile", place.profile);
  const named = Object.entries(pointers).map(([name, value]) => [name, value.replaceAll("PLACE", place.home)]);
  const env = { PATH: process.env.PATH, HOME: place.home, ...Object.fromEntries(named) };
  const { status, signal, stdout, stderr } = spawnSync(shell, ["-c", script, "/bin/sh", command], {
    argv0: "sh",
    cwd: place.home,
    env,
    input: `${MARKER}\n`,
    encoding: "utf8",
    timeout: RUN_MS_MAX,
  });
  return { code: signal === "SIGKILL" ? 137 : status, stdout, stderr, isMarked: stdout.endsWith(`${MARKER}\n`) };
}

const isThere = (command: string): boolean => {
  try {
    execFileSync("sh", ["-c", 'command -v "$1"', "sh", command], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
};

describe.each(SHELLS)("a setup where /bin/sh is %s", { timeout: 600_000 }, (shell) => {
  beforeEach(({ skip }) => {
    if (!isThere(shell)) skip(`${shell} is not installed here`);
  });

  test("reads no file of HOME or of the workspace, whatever names one, and is at its end when its command is", () => {
    const place = makePlace();
    for (let round = 0; round < ROUNDS; round += 1) {
      const pointers = POINTERS[round % POINTERS.length] ?? {};
      const [profile, endable] = PROFILES[(round * 3) % PROFILES.length] ?? ["", true];
      const [command, code] = COMMANDS[(round * 5 + Math.floor(round / 8)) % COMMANDS.length] ?? ["", 0];
      const seen = run(shell, place, { command, profile, pointers });
      const given = { profile, command, pointers };
      expect({ given, ran: existsSync(place.trace) }).toEqual({ given, ran: false });
      const hasRun = seen.stdout.split("\n").includes("read");
      // mksh runs its trap before it becomes another program.
      if (endable || hasRun) expect({ given, ...seen, hasRun }).toMatchObject({ given, code, isMarked: code === 0, hasRun: true });
      else expect({ given, ...seen }).toMatchObject({ given, isMarked: false });
    }
  });

  test("has the image's profile with its functions, an empty stdin, no arguments, and its own exit code", () => {
    const place = makePlace();
    const [profile = ""] = PROFILES[0] ?? [];
    const command = 'helper; echo "$PROFILE $# [$(cat)]"; echo "$0"; false';
    expect(run(shell, place, { command, profile })).toMatchObject({ code: 1, stdout: "helped\nread 0 []\n/bin/sh\n", isMarked: false });
  });

  test("shows its marker to nothing that the command starts: not in arguments, variables or open files", () => {
    const place = makePlace();
    const command =
      'set; env; cat "/proc/$$/cmdline" "/proc/$$/environ" | tr "\\0" "\\n"; sh -c \'cat /proc/self/fd/9 /proc/self/environ <&0\'; cat <&9';
    const { stdout, stderr } = run(shell, place, { command: `${command}; echo do''ne`, profile: "set -a" });
    expect(stdout.split("done\n")).toHaveLength(2);
    expect(`${stdout.split("done\n")[0]}${stderr}`).not.toContain(MARKER);
    expect(stdout.endsWith(`${MARKER}\n`)).toBe(true);
  });
});
