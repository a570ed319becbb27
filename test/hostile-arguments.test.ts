// The fixed scripts of file tools, detached processes and commands, run by every shell that an image may have as /bin/sh, with arguments that a
// taken-over gateway would choose: none of them is ever run. That the controller lets none of them through is gateway/tools/file-tools.test.ts.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { ARRANGE_ENTRY, COMMIT_FILES, FILE_EXIT, READ_FILE } from "../src/api/file-scripts.ts";
import { KILL_ALL } from "../src/api/kill-script.ts";
import {
  BAD_ARGUMENT,
  END_STDIN,
  FORGET,
  LIST,
  READ_LOG,
  SIGNAL_PROCESS,
  SUPERVISOR,
  WRITE_STDIN,
} from "../src/api/processes/process-scripts.ts";
import { MAIN_COMMAND } from "../src/controller/engine/docker-create.ts";
import { DIAL, PYTHON_RELAY, SIGNAL, WRAPPER, WRAPPER_MODE } from "../src/controller/engine/exec-scripts.ts";

const IS_LONG = process.env.OPENCLAW_TEST_LONG === "1";
/** bash evaluates what stands in arithmetic. */
const SHELLS: readonly (readonly string[])[] = [["dash"], ["bash", "--posix"], ...(IS_LONG ? [["busybox", "sh"], ["mksh"]] : [])];
/** Of each script under each shell. */
const ROUNDS = IS_LONG ? 100 : 1;
const ROUNDS_SLOW = 20;
/** As many as a small machine has processors, and a few that wait for files. */
const AT_ONCE = 4;

interface Script {
  name: string;
  text: string;
  /** Arguments that it takes. */
  args(folder: string): string[];
  /** Exit codes that refuse an argument before anything is done with it. null: it takes any text, or is its owner's to check. */
  refuses: number | null;
  /** It reads whole tables of the kernel's line by line: fewer rounds. */
  isSlow?: true;
  /** Positions of arguments that are free text. */
  free: readonly number[];
  /** Positions of ids, signals and versions of files. */
  words?: readonly number[];
}

const SCRIPTS: readonly Script[] = [
  {
    name: "READ_FILE of bytes",
    text: READ_FILE,
    args: (folder) => [`${folder}/file`, "bytes", "1", "2", "100"],
    refuses: FILE_EXIT.badArgument,
    free: [0],
  },
  {
    name: "READ_FILE of lines",
    text: READ_FILE,
    args: (folder) => [`${folder}/file`, "lines", "1", "2", "100"],
    refuses: FILE_EXIT.badArgument,
    free: [0],
  },
  {
    name: "READ_FILE of all",
    text: READ_FILE,
    args: (folder) => [`${folder}/file`, "whole", "0", "0", "100"],
    refuses: FILE_EXIT.badArgument,
    free: [0],
  },
  {
    name: "COMMIT_FILES",
    text: COMMIT_FILES,
    args: (folder) => [
      ...["changeid0", "2", "0"],
      ...["put", `${folder}/new`, "0", "any", `${folder}/file`],
      ...["put", `${folder}/newer`, "0", "none", ""],
      ...["drop", `${folder}/file`, "0", "any", ""],
    ],
    refuses: FILE_EXIT.badArgument,
    free: [4, 7, 9, 12, 14, 17],
    words: [0, 6, 11, 16],
  },
  {
    name: "ARRANGE_ENTRY",
    text: ARRANGE_ENTRY,
    args: (folder) => ["move", `${folder}/file`, "any", `${folder}/moved`],
    refuses: FILE_EXIT.badArgument,
    free: [1, 3],
    words: [0, 2],
  },
  {
    name: "SUPERVISOR",
    text: SUPERVISOR,
    args: (folder) => [`${folder}/records`, "processid", "1", "1000", "2", "0", "true"],
    refuses: BAD_ARGUMENT,
    free: [0, 6],
    words: [1],
  },
  { name: "LIST", text: LIST, args: (folder) => [`${folder}/records`], refuses: null, free: [0] },
  {
    name: "READ_LOG",
    text: READ_LOG,
    args: (folder) => [`${folder}/records`, "recorded0", "0", "1", "0"],
    refuses: BAD_ARGUMENT,
    free: [0],
    words: [1],
  },
  ...[
    { name: "WRITE_STDIN", text: WRITE_STDIN },
    { name: "END_STDIN", text: END_STDIN },
    { name: "FORGET", text: FORGET },
  ].map((script) => ({
    ...script,
    args: (folder: string) => [`${folder}/records`, "recorded0"],
    refuses: BAD_ARGUMENT,
    free: [0],
    words: [1],
  })),
  {
    name: "SIGNAL_PROCESS",
    text: SIGNAL_PROCESS,
    args: (folder) => [`${folder}/records`, "recorded0", "USR1", "1"],
    refuses: BAD_ARGUMENT,
    free: [0],
    words: [1, 2],
  },
  // The controller makes these arguments itself; whatever they were, nothing of them would be run.
  { name: "KILL_ALL", text: KILL_ALL, args: () => ["ownmark0", "nosuchmark0", ""], refuses: null, free: [] },
  { name: "SIGNAL", text: SIGNAL, args: () => ["USR1", "99999999"], refuses: null, free: [] },
  { name: "WRAPPER", text: WRAPPER, args: () => [WRAPPER_MODE.arguments, "", "", "", "true"], refuses: null, free: [] },
  { name: "DIAL", text: DIAL, args: () => ["1", "0001", PYTHON_RELAY], refuses: null, free: [2], isSlow: true },
];

/** What the scripts use, whatever the shell has of it itself. */
const PROGRAMS =
  "cat chmod chown cksum cp dd head ln ls md5sum mkdir mkfifo mv readlink rm rmdir sha1sum sha256sum sleep stty tail umask wc".split(" ");

/** `CANARY` is a program that leaves a trace. */
const COMMANDS = ["$(CANARY)", "`CANARY`", "$(CANARY>&2)", `$\{x:-$(CANARY)}`, `$\{x[$(CANARY)]}`, "\\$(CANARY)"];
const AROUND: readonly ((command: string) => string)[] = [
  (command) => command,
  (command) => `a[${command}]`,
  (command) => `a[${command}]+1`,
  (command) => `PATH[${command}]`,
  (command) => `x=${command}`,
  (command) => `1+${command}`,
  (command) => `0\n${command}`,
  (command) => `1;${command};`,
  (command) => `'${command}'`,
  (command) => `"${command}"`,
  (command) => `-eq 0 -o ${command}`,
  (command) => `any ) ${command} ;; x`,
];
const HOSTILE = AROUND.flatMap((around) => COMMANDS.map(around));
/** Neither a number nor a word. */
const ODD = ["", "+1", "1 1", " 1", "a b", "../../x", "*", "٣"];
/** No numbers either, or none that every shell reads as the same one. */
const NO_NUMBERS = [...ODD, "08", "-1", "0x10", "1e3", "1".repeat(17)];

const isThere = (command: string): boolean => {
  try {
    execFileSync("sh", ["-c", 'command -v "$1"', "sh", command], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
};

/** A folder with a file, a record of a process that has ended, and the program that no argument may run. */
function makePlace(): { folder: string; trace: string; canary: string } {
  const folder = mkdtempSync(join(tmpdir(), "openclaw-hostile-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const [trace, canary] = [join(folder, "trace"), join(folder, "canary")];
  writeFileSync(canary, `#!/bin/sh\n: >${trace}\n`, { mode: 0o755 });
  writeFileSync(join(folder, "file"), "1\n2\n3\n");
  const record = join(folder, "records", "recorded0");
  mkdirSync(record, { recursive: true });
  for (const [name, text] of Object.entries({ started: "1\n", "log.0": "x\n", exit: "0\n", argv: "true\0" })) {
    writeFileSync(join(record, name), text);
  }
  return { folder, trace, canary };
}

interface Call {
  args: string[];
  folder: string;
  env?: NodeJS.ProcessEnv;
}

async function run(
  shell: readonly string[],
  { text }: Pick<Script, "text">,
  { args, folder, env = process.env }: Call,
): Promise<number | null> {
  const [program = "", ...before] = shell;
  const child = spawn(program, [...before, "-c", text, "openclaw", ...args], { cwd: folder, env, stdio: "ignore", detached: true });
  const [code] = await once(child, "exit");
  return code;
}

/** Every place of every script with every text takes hours: a number of them by turns, the same ones each time. */
function* pick(script: Script, folder: string, rounds: number): Generator<{ args: string[]; place: number; text: string }> {
  const plain = script.args(folder);
  // A number might be a process of this machine.
  const texts = script.refuses === null ? HOSTILE.filter((text) => /^[^0-9+-]/.test(text)) : HOSTILE;
  for (let round = 0; round < rounds; round += 1) {
    for (const place of plain.keys()) {
      const text = texts[(round * 7 + place * 5) % texts.length] ?? "";
      yield { args: plain.with(place, text), place, text };
    }
  }
}

async function inTurns<T>(all: Iterable<T>, work: (one: T) => Promise<void>): Promise<number> {
  let count = 0;
  const iterator = all[Symbol.iterator]();
  const next = async (): Promise<void> => {
    for (let step = iterator.next(); step.done !== true; step = iterator.next()) {
      count += 1;
      await work(step.value);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, next));
  return count;
}

describe.each(SHELLS.map((shell) => ({ name: shell.join(" "), shell })))("under $name", { timeout: 300_000 }, ({ shell }) => {
  beforeEach(({ skip }) => {
    if (!isThere(shell[0] ?? "")) skip(`${shell[0]} is not installed here`);
  });

  test.each(SCRIPTS)("$name runs nothing of its arguments, whatever they are", async (script) => {
    const { folder, trace, canary } = makePlace();
    const tried = await inTurns(
      pick(script, folder, script.isSlow ? Math.min(ROUNDS, ROUNDS_SLOW) : ROUNDS),
      async ({ args, place, text }) => {
        const given = args.with(place, text.replaceAll("CANARY", canary));
        const code = await run(shell, script, { args: given, folder });
        expect({ given, ran: existsSync(trace) }).toEqual({ given, ran: false });
        if (script.refuses !== null && !script.free.includes(place)) expect({ given, code }).toEqual({ given, code: script.refuses });
      },
    );
    expect(tried).toBeGreaterThan(0);
  });

  const strict = SCRIPTS.filter(({ refuses }) => refuses !== null);
  test.each(strict)("$name takes what it is for, and no text that is not exactly a number, a word or an id", async (script) => {
    const { folder } = makePlace();
    const plain = script.args(folder);
    for (const place of plain.keys()) {
      const odd = script.words?.includes(place) === true ? ODD : NO_NUMBERS;
      for (const text of script.free.includes(place) ? [] : odd) {
        const given = plain.with(place, text);
        expect({ given, code: await run(shell, script, { args: given, folder }) }).toEqual({ given, code: script.refuses });
      }
    }
    expect(await run(shell, script, { args: plain, folder })).not.toBe(script.refuses);
  });

  test("a connection to a port inside reads no module of the folder in which it begins, nor of HOME", async () => {
    const { folder, trace, canary } = makePlace();
    for (const name of ["os", "socket", "sys", "threading", "sitecustomize", "usercustomize"])
      writeFileSync(join(folder, `${name}.py`), `import subprocess\nsubprocess.run(["${canary}"])\n`);
    writeFileSync(join(folder, ".bashrc"), `${canary}\n`);
    const server = createServer((socket) => socket.end());
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => void server.close());
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const env = { ...process.env, HOME: folder, PYTHONPATH: folder, BASH_ENV: join(folder, ".bashrc"), ENV: join(folder, ".bashrc") };
    const args = [String(port), port.toString(16).toUpperCase().padStart(4, "0"), PYTHON_RELAY];
    await run(shell, { text: DIAL }, { args, folder, env });
    expect(existsSync(trace)).toBe(false);
  });

  test("no script runs a program from a folder of PATH before the system's own", async () => {
    const { folder, trace, canary } = makePlace();
    const writable = join(folder, "writable");
    mkdirSync(writable);
    for (const program of PROGRAMS) copyFileSync(canary, join(writable, program));
    const started = [
      { name: "a terminal's size", text: WRAPPER, args: () => [WRAPPER_MODE.arguments, "", "80", "24", "true"] },
      // As long as it takes to see which program it was.
      { name: "the main process", text: MAIN_COMMAND.replace(/\d+$/, "0"), args: () => [] },
    ];
    for (const script of [...SCRIPTS.filter(({ refuses }) => refuses !== null), ...started]) {
      const env = { ...process.env, PATH: `${writable}:${process.env.PATH}` };
      await run(shell, script, { args: script.args(folder), folder, env });
      expect({ script: script.name, ran: existsSync(trace) }).toEqual({ script: script.name, ran: false });
    }
  });
});
