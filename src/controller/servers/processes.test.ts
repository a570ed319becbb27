// Detached processes of sandboxes, with their scripts run by every shell that this host has. In a container: test/exec.engine.test.ts.
import { join } from "node:path";
import { pino } from "pino";
import { describe } from "vitest";
import { type SandboxName, toContainerId, toSandboxName, toSandboxUid } from "../../api/brands.ts";
import { createSystemClock } from "../../api/clock.ts";
import { OperationError } from "../../api/errors.ts";
import { newProcessId, type Processes, testDetachedProcesses } from "../../api/processes/detached-processes.fixture.ts";
import { SHELLS } from "../../api/shells.fixture.ts";
import type { SandboxAccess } from "../loop/sandbox-access.ts";
import { makeHostShellEngine } from "./host-shell.fixture.ts";
import { ProcessService } from "./processes.ts";
import { silentMeter } from "./server.fixture.ts";

const NAME: SandboxName = toSandboxName("openclaw-sbx-test");

function openServer(shell: readonly string[], folder: string): Processes {
  const handle = { id: toContainerId("c1"), uid: toSandboxUid("u1"), incarnation: "1" };
  const lease = async (): ReturnType<SandboxAccess["lease"]> => ({
    isLook: false,
    handle,
    spec: { name: NAME, workdir: "/", user: "", env: {} },
    revoked: new AbortController().signal,
    next: async () => {
      throw new OperationError("NotReady", "its container has just stopped serving");
    },
    [Symbol.dispose]: () => undefined,
  });
  const access: SandboxAccess = {
    commands: makeHostShellEngine(shell),
    dial: () => Promise.reject(new Error("nothing is dialled")),
    lease,
    look: lease,
  };
  const log = pino({ level: "silent" });
  const server = new ProcessService({ access, meter: silentMeter, clock: createSystemClock(), newProcessId, log, folder });
  return {
    start: (start) => server.start(NAME, start),
    list: () => server.list(NAME),
    readLog: (id, range) => server.readLog(NAME, id, range),
    write: (id, input) => server.write(NAME, id, input),
    kill: (id, signal) => server.kill(NAME, id, signal),
  };
}

describe.each(SHELLS.map((shell) => ({ name: shell.join(" "), shell })))("detached processes of a sandbox under $name", ({ shell }) => {
  const records = (root: string): string => join(root, "processes");
  testDetachedProcesses({ shell, records, open: (root) => openServer(shell, records(root)) });
});
