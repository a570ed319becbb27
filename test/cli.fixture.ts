// Runs a command line of openclaw in this process, with streams that a test reads and an environment that it gives.
// The controller that it talks to is the test's (controller/servers/server.fixture.ts).
import { PassThrough } from "node:stream";
import { toEpochMs } from "../src/api/brands.ts";
import type { CliContext } from "../src/cli/context.ts";
import { runCli } from "../src/cli/program.ts";

export interface CliRun {
  stdin: PassThrough;
  stdout: PassThrough;
  /** What was printed so far. */
  readonly printed: string;
  readonly noted: string;
  /** As Ctrl-C at the terminal. */
  signal(name: NodeJS.Signals): void;
  /** Resolves with the exit code. */
  ended: Promise<number>;
}

export interface CliOptions {
  stateDir: string;
  env?: Readonly<Record<string, string>>;
  now?: number;
  /** false: nobody reads stdout until the test does. */
  reads?: boolean;
  /** Whether a person sits there. Absent: false. */
  terminal?: boolean;
}

export function startCli(args: readonly string[], options: CliOptions): CliRun {
  const stdin = Object.assign(new PassThrough(), { isTTY: options.terminal === true, setRawMode: () => undefined });
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const listeners = new Map<string, Set<() => void>>();
  let printed = "";
  let noted = "";
  const printing = (chunk: Buffer): void => {
    printed += chunk.toString();
  };
  const noting = (chunk: Buffer): void => {
    noted += chunk.toString();
  };
  if (options.reads !== false) stdout.on("data", printing);
  stderr.on("data", noting);
  const context: CliContext = {
    // Wide enough for every column: what a narrow terminal leaves out is cli-output.test.ts.
    env: { OPENCLAW_STATE_DIR: options.stateDir, COLUMNS: "300", ...options.env },
    program: "openclaw",
    home: "/home/claw",
    cwd: options.stateDir,
    stdin,
    stdout,
    stderr,
    now: () => toEpochMs(options.now ?? Date.now()),
    onSignal(name, listener) {
      const known = listeners.get(name) ?? new Set();
      listeners.set(name, known.add(listener));
      return () => void known.delete(listener);
    },
  };
  return {
    stdin,
    stdout,
    get printed() {
      return printed;
    },
    get noted() {
      return noted;
    },
    signal: (name) => {
      for (const listener of listeners.get(name) ?? []) listener();
    },
    ended: runCli(args, context),
  };
}

export interface CliResult {
  code: number;
  stdout: string;
  stderr: string;
}

/** To its end. */
export async function cli(args: readonly string[], options: CliOptions & { input?: string }): Promise<CliResult> {
  const run = startCli(args, options);
  run.stdin.end(options.input ?? "");
  const code = await run.ended;
  await new Promise(setImmediate);
  return { code, stdout: run.printed, stderr: run.noted };
}

const DEADLINE_MS = 10_000;

/** Waits for a condition; fails with what it waited for. */
export async function until(what: string, isSo: () => boolean): Promise<void> {
  const end = performance.now() + DEADLINE_MS;
  while (!isSo()) {
    if (performance.now() > end) throw new Error(`not within ${DEADLINE_MS / 1_000} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
