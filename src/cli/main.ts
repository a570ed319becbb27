// The openclaw command: gives the real streams, environment and clock to the program and ends with its exit code.
// What the commands are is program.ts, which is loaded only when it is needed: the version is asked for by scripts.
import { homedir } from "node:os";
import { toEpochMs } from "../api/brands.ts";
import { endWithStarter } from "../api/stop-signal.ts";
import type { CliContext } from "./context.ts";
import { keepLoopbackDirect } from "./loopback.ts";
import { findProgram } from "./program-path.ts";
import { readVersion } from "./version.ts";

let stdinUsed = false;
const context: CliContext = {
  env: process.env,
  get program() {
    return findProgram(process.env.PATH ?? "", process.cwd());
  },
  home: homedir(),
  cwd: process.cwd(),
  // Each is opened when it is used for the first time: of stdin and stderr most commands use neither.
  get stdin() {
    stdinUsed = true;
    return process.stdin;
  },
  get stdout() {
    return process.stdout;
  },
  get stderr() {
    return process.stderr;
  },
  now: () => toEpochMs(Date.now()),
  onSignal(name, listener) {
    process.on(name, listener);
    return () => void process.off(name, listener);
  },
};

// `openclaw ... | head` is not a failure: the reader has seen enough.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});

const args = process.argv.slice(2);
const [first] = args;
if (first === "controller" || first === "gateway") endWithStarter(process);
if (args.length === 1 && (first === "--version" || first === "-V")) process.stdout.write(`${readVersion()}\n`);
else {
  await keepLoopbackDirect(process.env);
  process.exitCode = await (await import("./program.ts")).runCli(args, context);
}
// Having read from a terminal keeps the process alive.
if (stdinUsed) process.stdin.unref?.();
/** What a command started ends with it; a leftover handle must not keep the process alive. */
const LEFT_MS_MAX = 5_000;
const endLeft = setInterval(() => {
  if (process.stdout.writableLength === 0) process.exit();
}, LEFT_MS_MAX);
endLeft.unref();
