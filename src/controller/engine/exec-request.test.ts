// The wrapper around a command, in each shell that an image may have: a request that it reads from its input is the one that it would have had as
// arguments. No engine; a command in a container is docker-prestart.engine.test.ts's.
import { spawn, spawnSync } from "node:child_process";
import { text } from "node:stream/consumers";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MARK_VARIABLE } from "../../api/kill-script.ts";
import { toWaiterText } from "./docker-prestart.ts";
import type { ExecRequest } from "./engine.ts";
import { NEVER_ASKED, toRequestText, WRAPPER, WRAPPER_MODE } from "./exec-scripts.ts";
import { type GeneratedCommand, generatedCommands, REPORT } from "./generated-commands.fixture.ts";

/** Debian's, Red Hat's, Alpine's, Android's. */
const SHELLS = [["dash"], ["bash"], ["busybox", "sh"], ["mksh"]] as const;
const RUNS = process.env.OPENCLAW_TEST_LONG === "1" ? 2_500 : 40;
/** A pair takes 20 ms on an idle machine, and ten times that beside others. */
const RUNS_MS_MAX = 20_000 + RUNS * 250;
const BASE_ENV = { PATH: "/usr/bin:/bin", [MARK_VARIABLE]: "markofatest" };

interface Ran {
  stdout: string;
  stderr: string;
  code: number | null;
}

async function run(
  shell: readonly string[],
  args: readonly string[],
  { env, input }: { env: NodeJS.ProcessEnv; input: string | null },
): Promise<Ran> {
  const [program = "", ...options] = shell;
  const stdio = [input === null ? "ignore" : "pipe", "pipe", "pipe"] as const;
  const child = spawn(program, [...options, "-c", WRAPPER, "openclaw-exec", ...args], {
    env,
    cwd: "/usr",
    stdio: [...stdio],
    ...(program === "bash" && { argv0: "sh" }),
  });
  child.stdin?.on("error", () => undefined);
  child.stdin?.end(Buffer.from(input ?? "", "latin1"));
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  if (child.stdout === null || child.stderr === null) throw new Error("no output");
  const [stdout, stderr] = await Promise.all([text(child.stdout.setEncoding("latin1")), text(child.stderr.setEncoding("latin1"))]);
  // The first line says which processes they are.
  return { stdout: stdout.replace(/^\d+ \d+\n/, "P P\n"), stderr, code: await ended };
}

const toRequest = ({ words, env, workdir, input }: GeneratedCommand): ExecRequest => ({
  argv: ["sh", "-c", REPORT, "report", ...words],
  env,
  ...(workdir !== undefined && { workdir }),
  stdin: input !== undefined,
});

const playArguments = (shell: readonly string[], { argv, env, workdir = "" }: ExecRequest, input: string | undefined): Promise<Ran> =>
  run(shell, [WRAPPER_MODE.arguments, workdir, "", "", ...argv], { env: { ...BASE_ENV, ...env }, input: input ?? null });

async function playInput(shell: readonly string[], request: ExecRequest, input: string | undefined): Promise<Ran> {
  const asked = Buffer.from(toWaiterText(request) ?? "").toString("latin1");
  return await run(shell, [WRAPPER_MODE.input], { env: BASE_ENV, input: asked + (input ?? "not the command's") });
}

describe.each(SHELLS.map((shell) => ({ name: shell.join(" "), shell })))("under $name", ({ shell }) => {
  const isThere = spawnSync(shell[0], [...shell.slice(1), "-c", "true"]).status === 0;

  test("a generated request that is read does what the same one does as arguments", { timeout: RUNS_MS_MAX }, async ({ skip }) => {
    if (!isThere) skip(`${shell[0]} is not installed here`);
    await fc.assert(
      fc.asyncProperty(generatedCommands, async (command) => {
        const request = toRequest(command);
        fc.pre(toWaiterText(request) !== null);
        expect(await playInput(shell, request, command.input)).toEqual(await playArguments(shell, request, command.input));
      }),
      { numRuns: RUNS },
    );
  });

  test("a request that ends before it is whole begins nothing", async ({ skip }) => {
    if (!isThere) skip(`${shell[0]} is not installed here`);
    const whole = toRequestText({ env: [["A", "1"]], argv: ["sh", "-c", "echo began"], stdin: false });
    for (let length = 0; length < whole.length; length += 1) {
      const ran = await run(shell, [WRAPPER_MODE.input], { env: BASE_ENV, input: whole.slice(0, length) });
      expect(ran, JSON.stringify(whole.slice(0, length))).toEqual({ stdout: "", stderr: "", code: NEVER_ASKED });
    }
  });

  test("what follows a request is the command's, to the byte", async ({ skip }) => {
    if (!isThere) skip(`${shell[0]} is not installed here`);
    const input = Buffer.from(Uint8Array.from({ length: 65_536 }, (_, at) => at % 251)).toString("latin1");
    const ran = await playInput(shell, { argv: ["cat"], stdin: true }, input);
    expect(ran.stdout.slice("P P\n".length)).toBe(input);
  });
});

test.each<[string, Partial<ExecRequest>]>([
  ["has a terminal", { tty: { columns: 80, rows: 24 } }],
  ["outlives its caller", { outlivesCaller: true }],
  ["only looks", { isLook: true }],
  ["has a variable that no shell can export", { env: { "a.b": "1" } }],
  ["has a variable that is a shell's own", { env: { IFS: "1" } }],
  ["is so long that a shell reads it slowly", { argv: ["echo", "x".repeat(20_000)] }],
])("a command that %s is left to the engine", (_, request) => {
  expect(toWaiterText({ argv: ["true"], stdin: false, ...request })).toBeNull();
});
