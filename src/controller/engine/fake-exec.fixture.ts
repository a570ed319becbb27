// Commands inside the model of an engine: streams that behave like a real exec's, run by small programs that tests give or by a tiny
// fixed vocabulary (true, false, echo, cat, sleep, exit and sh -c of those). It runs nothing on the host.
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { type DurationMs, toDurationMs } from "../../api/brands.ts";
import type { Clock } from "../../api/clock.ts";
import { OperationError } from "../../api/errors.ts";
import type { ExecRequest, ExecStream } from "./engine.ts";
import { DIAL, DIAL_CONNECTED, DIAL_REFUSED } from "./exec-scripts.ts";
import { SETUP } from "./setup-script.ts";

/** What a program sees. It ends by resolving with its exit code; a signal that it does not handle ends it for it. */
export interface FakeProcess {
  request: ExecRequest;
  /** Ended at once when the request has no stdin. */
  stdin: PassThrough;
  stdout: PassThrough;
  stderr: PassThrough;
  clock: Clock;
}

export type FakeProgram = (process: FakeProcess) => Promise<number>;

/** Exit codes of signals: 128 + number. Others do nothing, as 0 does. */
const SIGNAL_CODES: Readonly<Record<string, number>> = { HUP: 129, INT: 130, QUIT: 131, KILL: 137, TERM: 143 };

export class FakeExec implements ExecStream {
  readonly request: ExecRequest;
  readonly stdin: PassThrough | null;
  readonly stdout = new PassThrough();
  readonly stderr = new PassThrough();
  readonly exit: Promise<number>;
  outputHeld = false;
  /** Sizes and signals that it was sent, oldest first. */
  readonly resizes: { columns: number; rows: number }[] = [];
  readonly signals: string[] = [];
  readonly #ended = Promise.withResolvers<number>();
  #running = true;

  constructor(request: ExecRequest, program: FakeProgram, clock: Clock) {
    this.request = request;
    const stdin = new PassThrough();
    this.stdin = request.stdin ? stdin : null;
    if (!request.stdin) stdin.end();
    this.exit = this.#ended.promise;
    this.exit.catch(() => {});
    program({ request, stdin, stdout: this.stdout, stderr: this.stderr, clock }).then(
      (code) => this.end(code),
      (error: unknown) => this.break(error instanceof OperationError ? error : new OperationError("EngineFailed", String(error))),
    );
  }

  get running(): boolean {
    return this.#running;
  }

  /** Ends it with this exit code; nothing when it has ended. */
  end(code: number): void {
    if (!this.#running) return;
    this.#running = false;
    this.stdout.end();
    this.stderr.end();
    this.#ended.resolve(code);
  }

  /** Ends it as when the container or the connection goes away under it. */
  break(error: OperationError): void {
    if (!this.#running) return;
    this.#running = false;
    this.stdout.end();
    this.stderr.end();
    this.#ended.reject(error);
  }

  async resize(size: { columns: number; rows: number }): Promise<void> {
    this.resizes.push(size);
  }

  async signal(name: string): Promise<void> {
    this.signals.push(name);
    const code = SIGNAL_CODES[name];
    if (code !== undefined) this.end(code);
  }
}

/** Runs until a test ends it. */
export const holdOpen: FakeProgram = async () => await new Promise<number>(() => {});

const sleep = async (clock: Clock, duration: DurationMs): Promise<void> =>
  await new Promise((resolve) => {
    clock.setTimer(duration, resolve);
  });

/** What SETUP does around a command: the marker of its stdin comes out once the command ended with 0. Any other command is the program's alone. */
export function asSetup([shell, option, script, , command = ""]: readonly string[], program: FakeProgram): FakeProgram {
  if (script !== SETUP || shell === undefined || option === undefined) return program;
  return async (process) => {
    const code = await program({ ...process, request: { ...process.request, argv: [shell, option, command] } });
    if (code === 0) process.stdout.write(await text(process.stdin));
    return code;
  };
}

/** What DIAL does: says that it is connected, then passes bytes. null: it is another command. */
export function asDial([, , script, , port]: readonly string[], ports: ReadonlyMap<number, FakeProgram>): FakeProgram | null {
  if (script !== DIAL) return null;
  const program = ports.get(Number(port));
  if (program === undefined) return async () => DIAL_REFUSED;
  return async (process) => {
    process.stdout.write(DIAL_CONNECTED);
    return await program(process);
  };
}

/** The fixed vocabulary; anything else is 127 with a message, as a shell has it. */
export const runVocabulary: FakeProgram = async (process) => {
  const [command = "", ...rest] = process.request.argv;
  if (/^(\/bin\/)?sh$/.test(command) && /^-l?c$/.test(rest[0] ?? "")) return await runScript(process, rest[1] ?? "");
  return await runSimple(process, [command, ...rest]);
};

async function runScript(process: FakeProcess, script: string): Promise<number> {
  let code = 0;
  for (const part of script.split(/;|\n/)) {
    for (const step of part.split("&&")) {
      const words = step.trim().split(/\s+/);
      if (words[0] === "") continue;
      if (words[0] === "exit") return Number(words[1] ?? code);
      code = await runSimple(process, words);
      if (code !== 0) break;
    }
  }
  return code;
}

async function runSimple(process: FakeProcess, words: readonly string[]): Promise<number> {
  const { stdin, stdout, stderr, clock } = process;
  const isError = words.at(-1) === ">&2";
  const [command = "", ...rest] = isError ? words.slice(0, -1) : words;
  const output = isError || process.request.tty !== undefined ? (isError && process.request.tty === undefined ? stderr : stdout) : stdout;
  switch (command) {
    case "true":
      return 0;
    case "false":
      return 1;
    case "echo":
      output.write(`${rest.join(" ")}\n`);
      return 0;
    case "cat":
      output.write(await text(stdin));
      return 0;
    case "sleep":
      await sleep(clock, toDurationMs(Number(rest[0] ?? 0) * 1000));
      return 0;
    default:
      stderr.write(`sh: ${command}: not found\n`);
      return 127;
  }
}
