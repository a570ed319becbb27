// Runs a program to its end for a test: exit code, both outputs, duration. A program that does not end is killed and fails the test.
// Tools that a test must be sure are absent are left out of `toolbox`, a folder of links that serves as the whole PATH.
import { spawn } from "node:child_process";
import { existsSync, symlinkSync } from "node:fs";
import { delimiter, join } from "node:path";

export interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly pid: number | undefined;
  readonly durationMs: number;
}

export interface RunOptions {
  readonly cwd?: string;
  /** The whole environment: nothing of the test's own leaks in. */
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  /** Absent: 30 s. */
  readonly timeoutMs?: number;
}

const RUN_MS_MAX = 30_000;

export function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<Run> {
  const startedAt = performance.now();
  return new Promise((settle, reject) => {
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: { ...options.env },
      timeout: options.timeoutMs ?? RUN_MS_MAX,
      killSignal: "SIGKILL",
    });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    child.on("error", reject);
    child.on("close", (code) => settle({ code, stdout, stderr, pid: child.pid, durationMs: performance.now() - startedAt }));
    child.stdin.on("error", () => undefined); // a program that does not read its stdin may end before it is written
    child.stdin.end(options.stdin ?? "");
  });
}

const TOOLS =
  "awk basename bash cat cut date dirname env flock grep head id ln mkdir mktemp mv printf readlink rm sed sh sha256sum sleep tail timeout touch tr uname";

/** Links the usual tools (and what else is named) into `folder`; as PATH it holds these and nothing else. */
export function toolbox(folder: string, extra: readonly string[] = []): string {
  for (const tool of [...TOOLS.split(" "), ...extra]) {
    const found = (process.env.PATH ?? "").split(delimiter).find((path) => !path.includes("node_modules") && existsSync(join(path, tool)));
    if (found !== undefined) symlinkSync(join(found, tool), join(folder, tool));
  }
  return folder;
}
