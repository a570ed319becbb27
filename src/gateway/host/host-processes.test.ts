// Commands in the background on the gateway's host: the same table as for those in sandboxes, and what is the host's own.
// What the tools make of them is tools/dispatch.test.ts; a restart of the whole gateway is test/gateway.test.ts.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { toEpochMs, toSessionKey } from "../../api/brands.ts";
import { newProcessId, type Processes, testDetachedProcesses } from "../../api/processes/detached-processes.fixture.ts";
import { toSessionName } from "../sessions/keys.ts";
import { makeFolder } from "../tools/world.fixture.ts";
import { HostProcesses } from "./host-processes.ts";

const MAIN = toSessionKey("agent:main:main");
const OTHER = toSessionKey("agent:main:direct:1");

function open(folder: string, shell: readonly string[] = ["sh"]): HostProcesses {
  const env = { PATH: process.env.PATH };
  return new HostProcesses({ folder, env, shell, newId: newProcessId, now: () => toEpochMs(Date.now()), failed: () => undefined });
}

function processesOf(folder: string, shell: readonly string[]): Processes {
  const processes = open(folder, shell).at("/");
  return {
    start: (start) => processes.start(MAIN, start),
    list: () => processes.list(MAIN),
    readLog: (id, range) => processes.log(MAIN, id, range),
    write: (id, input) => processes.write(MAIN, id, input),
    kill: (id, signal) => processes.kill(MAIN, id, signal),
  };
}

describe("detached processes on the gateway's host", () => {
  const shell = ["sh"];
  const records = (root: string): string => join(root, toSessionName(MAIN));
  testDetachedProcesses({ shell, records, open: (root) => processesOf(root, shell) });

  it("are their session's: no other session finds, reads or ends them", async () => {
    const host = open(makeFolder()).at("/");
    const { id } = await host.start(MAIN, { argv: ["sleep", "60"] });
    expect(await host.list(OTHER)).toEqual([]);
    await expect(host.log(OTHER, id, { offset: 0, limit: 1, waitMs: 0 })).rejects.toMatchObject({ code: "NotFound" });
    await expect(host.kill(OTHER, id, "KILL")).rejects.toMatchObject({ code: "NotFound" });
    expect(await host.list(MAIN)).toMatchObject([{ id, state: "running" }]);
    await host.kill(MAIN, id, "KILL");
  });

  it("end with their session, and with one that a former run of the gateway did not end; nothing of them is left", async () => {
    const folder = makeFolder();
    const processes = open(folder);
    const host = processes.at("/");
    const mine = await host.start(MAIN, { argv: ["sleep", "60"] });
    const theirs = await host.start(OTHER, { argv: ["sleep", "60"] });
    await processes.end(MAIN);
    expect(isAlive(mine.id)).toBe(false);
    await open(folder).endLeft([OTHER]);
    expect([isAlive(theirs.id), readdirSync(folder)]).toEqual([true, [toSessionName(OTHER)]]);
    await open(folder).endLeft([]);
    expect([isAlive(theirs.id), readdirSync(folder)]).toEqual([false, []]);
  });
});

/** Whether anything runs that a detached process started. */
function isAlive(id: string): boolean {
  return readdirSync("/proc").some((pid) => {
    try {
      return (
        readFileSync(`/proc/${pid}/environ`, "utf8").includes(`=${id}\0`) && !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ")
      );
    } catch {
      return false;
    }
  });
}
