// An engine for tests that runs commands on this host instead of in a container: for scripts that must work in any shell.
// It isolates nothing and knows one sandbox.
import { spawn } from "node:child_process";
import { toInstanceId } from "../../api/brands.ts";
import { createSystemClock } from "../../api/clock.ts";
import { OperationError } from "../../api/errors.ts";
import type { Engine, ExecRequest, ExecStream } from "../engine/engine.ts";
import { FakeEngine } from "../engine/fake.fixture.ts";
import { FakeWorld } from "../engine/fake-world.fixture.ts";

/** @param shell what `/bin/sh` means, e.g. `["busybox", "sh"]` */
export function makeHostShellEngine(shell: readonly string[]): Engine {
  const engine = new FakeEngine(new FakeWorld(createSystemClock()), toInstanceId("test"));
  engine.exec = async (_handle, request) => execOnHost(shell, request);
  return engine;
}

function execOnHost(shell: readonly string[], request: ExecRequest): ExecStream {
  const words = request.argv[0] === "/bin/sh" ? [...shell, ...request.argv.slice(1)] : [...request.argv];
  const [command = "", ...args] = words;
  const child = spawn(command, args, {
    // As an engine does it: a session of its own, which outlives whoever started it.
    detached: true,
    env: { ...process.env, ...request.env },
    ...(request.workdir === undefined ? {} : { cwd: request.workdir }),
  });
  if (!request.stdin) child.stdin.end();
  const exit = new Promise<number>((resolve, reject) => {
    child.once("close", (code) => resolve(code ?? 137)).once("error", (error) => reject(new OperationError("EngineFailed", error.message)));
  });
  return {
    stdin: request.stdin ? child.stdin : null,
    stdout: child.stdout,
    stderr: child.stderr,
    exit,
    outputHeld: false,
    resize: async () => undefined,
    signal: async (name) => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, `SIG${name}` as NodeJS.Signals);
      } catch {
        // It has ended.
      }
    },
  };
}
