// One browser process (child/main.ts) as the gateway sees it: started with next to no rights, given the one connection to its browser, asked and answered in
// bounded frames, and ended. What comes from the browser passes through here as bytes, at the speed at which the process reads them, and is never looked at.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, extname, join } from "node:path";
import { type Duplex, pipeline, type Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { OperationError } from "../../api/errors.ts";
import { toPackageFile } from "../../api/package-file.ts";
import { toSafeLine } from "../../api/safe-text.ts";
import { FrameReader, writeFrame } from "./child/frames.ts";
import { ANSWER_BYTES_MAX, type ProcessRequest } from "./child/messages.ts";
import { ProcessAnswer } from "./process-answer.ts";

/** Playwright with a large page takes 150 MiB; twice a message of 64 MiB comes on top. */
const HEAP_MIB_MAX = 384;
/** Its answers, and its own timeouts, come before this. */
const GRACE_MS = 15_000;
const ERRORS_LENGTH_MAX = 2_048;
const MESSAGE_LENGTH_MAX = 2_000;
const KILL_MS = 2_000;

const CHILD_FOLDER = fileURLToPath(new URL("./child", import.meta.url));
const PROGRAM = join(CHILD_FOLDER, `main${extname(import.meta.url)}`);

/** What the process may read: its code, and what that consists of. Playwright looks whether it runs on Windows, in two places. */
function toReadable(): string[] {
  const { resolve } = createRequire(import.meta.url);
  const packages = ["playwright-core", "ws"].map((name) => dirname(resolve(`${name}/package.json`)));
  return [CHILD_FOLDER, ...packages, toPackageFile("package.json"), "/proc/sys/fs/binfmt_misc/WSLInterop", "/run/WSL"];
}

/** Arguments of Node. @param folder absolute: the one that it may also write to */
export function rightsOf(folder: string): string[] {
  const readable = [...toReadable(), folder].map((path) => `--allow-fs-read=${path}`);
  return ["--permission", ...readable, `--allow-fs-write=${folder}`];
}

export class BrowserProcess {
  readonly #child: ChildProcess;
  readonly #stdin: Writable;
  readonly #folder: string;
  readonly #connection: Duplex;
  readonly #waiting = new Map<number, PromiseWithResolvers<ProcessAnswer>>();
  readonly #ended = Promise.withResolvers<void>();
  #errors = "";
  #asked = 0;
  /** Why nothing can be asked any more. null: it can. */
  #over: OperationError | null = null;
  #isLost = false;

  /** @param connection to the browser; closed with the process */
  constructor(connection: Duplex) {
    this.#connection = connection;
    // Its name is told to nobody else, and its owner alone may enter it.
    this.#folder = mkdtempSync(join(tmpdir(), "openclaw-browser-"));
    const args = [...rightsOf(this.#folder), `--max-old-space-size=${HEAP_MIB_MAX}`, "--no-warnings", PROGRAM, this.#folder];
    const child = spawn(process.execPath, args, { env: {}, cwd: this.#folder, stdio: ["pipe", "pipe", "pipe", "pipe"] });
    this.#child = child;
    const [stdin, stdout, stderr, passed] = child.stdio;
    this.#stdin = stdin as Writable;
    this.#stdin.on("error", () => undefined);
    const frames = new FrameReader(ANSWER_BYTES_MAX, (message) => this.#take(message));
    stdout?.on("data", (chunk: Buffer) => {
      try {
        frames.push(chunk);
      } catch (error) {
        this.#lose(toBroken("it said what no answer is", error));
      }
    });
    stderr?.on("data", (chunk: Buffer) => {
      this.#errors = `${this.#errors}${chunk.toString("latin1")}`.slice(-ERRORS_LENGTH_MAX);
    });
    pass(connection, passed as Duplex);
    child.once("error", (error) => this.#lose(toBroken("it could not be started", error)));
    // Not "close", for which whoever is at the other end would have to let go first.
    child.once("exit", (code, signal) => {
      rmSync(this.#folder, { recursive: true, force: true });
      // Without a browser at the other end it has nothing more to do.
      this.#isLost ||= this.#over === null && code !== 0;
      this.end(toBroken(`it ended with ${signal ?? `exit code ${code}`}${this.#errors.includes("heap") ? ", out of memory" : ""}`));
      this.#ended.resolve();
    });
  }

  get isOver(): boolean {
    return this.#over !== null;
  }

  /** Whether it ended by itself, or had to be ended because of what it did. */
  get isLost(): boolean {
    return this.#isLost;
  }

  /** The end of what it printed: for a log, and never for an agent. */
  get errors(): string {
    return toSafeLine(this.#errors);
  }

  /** Once nothing of it is left. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /**
   * @param msMax after which the process, which has timeouts of its own, counts as stuck and is ended
   * @param signal breaks an action off in the process too
   * @throws OperationError `EngineFailed` (how the process ended), `Aborted`
   */
  async ask(request: ProcessRequest, { msMax, signal }: { msMax: number; signal: AbortSignal }): Promise<ProcessAnswer> {
    if (this.#over !== null) throw this.#over;
    signal.throwIfAborted();
    this.#asked += 1;
    const id = this.#asked;
    const waiting = Promise.withResolvers<ProcessAnswer>();
    this.#waiting.set(id, waiting);
    const stuck = setTimeout(() => this.#lose(toBroken("it did not answer")), msMax + GRACE_MS);
    const leave = (): void => {
      waiting.reject(new OperationError("Aborted", "the call was cancelled"));
      if (request.op === "run") this.#cancel(id);
    };
    signal.addEventListener("abort", leave, { once: true });
    try {
      writeFrame(this.#stdin, { id, ...request });
      return await waiting.promise;
    } finally {
      clearTimeout(stuck);
      signal.removeEventListener("abort", leave);
      this.#waiting.delete(id);
    }
  }

  /** What waits for an answer is told why there is none. */
  end(why: OperationError = toBroken("it was ended")): void {
    if (this.#over !== null) return;
    this.#over = why;
    for (const waiting of this.#waiting.values()) waiting.reject(why);
    this.#connection.destroy();
    this.#child.kill("SIGTERM");
    const late = setTimeout(() => this.#child.kill("SIGKILL"), KILL_MS);
    void this.#ended.promise.then(() => clearTimeout(late));
  }

  /** What it was about to do is not done. Its answer is nobody's. */
  #cancel(of: number): void {
    this.#asked += 1;
    writeFrame(this.#stdin, { id: this.#asked, op: "cancel", of } satisfies ProcessRequest & { id: number });
  }

  #lose(why: OperationError): void {
    this.#isLost ||= this.#over === null;
    this.end(why);
  }

  #take(message: unknown): void {
    const answer = ProcessAnswer.safeParse(message);
    if (!answer.success) throw new Error("an answer of an unknown form", { cause: answer.error });
    this.#waiting.get(answer.data.id)?.resolve(answer.data);
  }
}

/** Whichever end closes closes the other; either slows the other down. */
function pass(connection: Duplex, passed: Duplex): void {
  pipeline(connection, passed, connection, () => {
    connection.destroy();
    passed.destroy();
  });
}

function toBroken(why: string, cause?: unknown): OperationError {
  return new OperationError("EngineFailed", `the process that speaks to the browser was lost: ${why}`, {
    cause,
    fix: "call again, which starts another one; a tab that does it again can be closed",
  });
}

/** What was asked for. @throws OperationError `InvalidArgument` (the caller was wrong), `EngineFailed` (the browser did not do it) */
export function mustBe<Kind extends "done" | "piece">(answer: ProcessAnswer, kind: Kind): Extract<ProcessAnswer, { kind: Kind }> {
  if (answer.kind === kind) return answer as Extract<ProcessAnswer, { kind: Kind }>;
  if (answer.kind === "done" || answer.kind === "piece") throw toBroken("it answered something else than it was asked");
  throw new OperationError(answer.kind === "invalid" ? "InvalidArgument" : "EngineFailed", `browser: ${toSaid(answer.message)}`);
}

/** On one line, and no longer than is read. */
export const toSaid = (message: string): string => toSafeLine(message.slice(0, MESSAGE_LENGTH_MAX));
