// Runs openclaw as a process at a real terminal, a pty of util-linux's `script`, for tests of what a person types and sees. It asserts nothing.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished } from "vitest";

const PROGRAM = join(import.meta.dirname, "..", "bin", "openclaw");
const SCRIPT = "/usr/bin/script";

export const NO_PTY = "script, which makes a pty, is not installed (apt-get install bsdutils)";
export const hasPty = (): boolean => existsSync(SCRIPT);

export interface Terminal {
  /** All that was shown so far, without what moves the cursor or colours text. */
  readonly shown: string;
  type(keys: string): void;
  /** Resolves with the exit code. */
  readonly ended: Promise<number | null>;
}

/** @param words arguments that need no quotes */
export function openTerminal(words: readonly string[], env: Readonly<Record<string, string>>): Terminal {
  // One that comes from a pipe has no size of its own.
  const command = `stty cols 400 rows 50; exec ${[PROGRAM, ...words].join(" ")}`;
  const child = spawn(SCRIPT, ["--quiet", "--flush", "--return", "--command", command, "/dev/null"], {
    env: { PATH: process.env.PATH, HOME: "/nonexistent", TERM: "xterm", ...env },
    stdio: ["pipe", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  let shown = "";
  child.stdout.setEncoding("utf8").on("data", (piece: string) => {
    shown += piece;
  });
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  return {
    get shown() {
      return toText(shown);
    },
    type: (keys) => void child.stdin.write(keys),
    ended,
  };
}

/** Sequences that move the cursor, clear, and colour. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they begin with one.
const SEQUENCES = /\u001b(?:\[[0-9;?]*[A-Za-z]|\][^\u0007]*\u0007|[=>78])|\r/g;
const toText = (shown: string): string => shown.replace(SEQUENCES, "");
