// A controller of the demo's own: this same program as a child process over a temporary state folder, with its log in a file.
// What it is made to do is steps.ts.
import { type ChildProcess, spawn } from "node:child_process";
import { openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { OperationError } from "../../api/errors.ts";
import { PROGRAM } from "../program-file.ts";

/** It ends within a second; an engine call that hangs has deadlines above this, and then it is killed. */
const STOP_MS_MAX = 10_000;
const LOG_LINES_SHOWN = 5;

export class ControllerProcess {
  readonly #child: ChildProcess;
  readonly #logPath: string;
  readonly #ended: Promise<number | null>;
  #isRunning = true;

  constructor(stateDir: string, env: Readonly<Record<string, string | undefined>>) {
    this.#logPath = join(stateDir, "controller.log");
    const log = openSync(this.#logPath, "a", 0o600);
    const args = [
      ...process.execArgv,
      PROGRAM,
      "controller",
      "--state-dir",
      stateDir,
      "--config",
      join(stateDir, "openclaw.json"),
      "--metrics-listen",
      "127.0.0.1:0",
    ];
    // A group of its own: Ctrl-C at the terminal is for the demo, which still needs the controller to clean up.
    this.#child = spawn(process.execPath, args, { detached: true, stdio: ["ignore", log, log], env: { ...env } });
    this.#ended = new Promise((resolve) => {
      this.#child.once("exit", (code) => {
        this.#isRunning = false;
        resolve(code);
      });
      this.#child.once("error", () => resolve(null));
    });
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** Rejects when it ends by itself: what it said last is the message. */
  async failure(): Promise<never> {
    const code = await this.#ended;
    throw new OperationError("ControllerUnreachable", `the demo's controller exited with code ${code ?? "?"}:\n${this.logTail()}`);
  }

  logTail(): string {
    return readFileSync(this.#logPath, "utf8").trimEnd().split("\n").slice(-LOG_LINES_SHOWN).join("\n");
  }

  async stop(): Promise<void> {
    if (!this.#isRunning) return;
    this.#child.kill("SIGTERM");
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), STOP_MS_MAX);
    await this.#ended;
    clearTimeout(timer);
  }
}
