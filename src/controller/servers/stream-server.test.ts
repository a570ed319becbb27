// Commands over the stream socket: which of them only look, so that they are no use of the sandbox, and for whom each is written down.
// With real sandboxes: test/gateway.engine.test.ts.
import { Readable } from "node:stream";
import { pino } from "pino";
import { expect, onTestFinished, test } from "vitest";
import { toAgentId, toEpochMs, toInstanceId, toSessionKey } from "../../api/brands.ts";
import { createSystemClock } from "../../api/clock.ts";
import { CommandConnection } from "../../api/command-client.ts";
import { mustParse } from "../../api/config/config.fixture.ts";
import { ControllerClient } from "../../api/controller-client.ts";
import { OperationError } from "../../api/errors.ts";
import { LIST_FOLDER, toFileCommand } from "../../api/file-scripts.ts";
import { toSlug } from "../../api/names.ts";
import { ProcessClient } from "../../api/process-client.ts";
import type { Session } from "../../api/session.ts";
import { toStreamSocketPath } from "../../api/unix-socket.ts";
import { OutputLog } from "../records/output-log.ts";
import { DesiredState } from "../sources/desired-state.ts";
import { GatewayFeed } from "../sources/gateway-feed.ts";
import { openApprovals } from "./approvals.fixture.ts";
import { Audit } from "./audit.ts";
import { BrowserGate } from "./browser-gate.ts";
import { makeHostShellEngine } from "./host-shell.fixture.ts";
import { MemoryViews, makeStateDir, NO_DECISIONS, silentMeter } from "./server.fixture.ts";
import { SessionGate } from "./session-gate.ts";
import { startStreamServer } from "./stream-server.ts";

const INSTANCE = toInstanceId("0123456789ab");
const MAIN = toAgentId("main");
const PATH = "/v1/sessions/agent%3Amain%3Amain";

/** One session, whose sandbox never serves: what is asked of it is noted. */
async function open() {
  const stateDir = makeStateDir();
  const desired = new DesiredState((scopeKey) => toSlug(INSTANCE, scopeKey), { stateDir, home: "/home/claw" });
  desired.setConfig(mustParse('{ agents: { defaults: { sandbox: { mode: "all" } } } }'));
  const session: Session = {
    ...{ apiVersion: "openclaw.ai/v1", kind: "Session" },
    metadata: { name: "main", uid: "3b0f9a52-6a43-4a86-9a55-0d1c8f2d7c11", createdAt: toEpochMs(0) },
    spec: { key: toSessionKey("agent:main:main"), agentId: MAIN, kind: "main" },
  };
  desired.setSessions(new Map([[MAIN, { folder: "read", sessions: [session], unread: 0, unreadNames: [] }]]));
  desired.setRequests(new Map());
  const logged: string[] = [];
  const log = pino({ level: "info" }, { write: (line: string) => void logged.push(line) });
  const asked: string[] = [];
  const note = (what: string) => async (): Promise<never> => {
    asked.push(what);
    throw new OperationError("NotReady", "nothing serves");
  };
  const clock = createSystemClock();
  const config = {
    view: { file: "/state/openclaw.json", ok: true, issues: [], loadedAt: 0 },
    isMissing: false,
    watch: () => () => undefined,
  };
  const gate = new SessionGate({ desired, statusOf: () => null, statuses: () => [], fullness: () => null });
  const server = await startStreamServer({
    promptFiles: async () => [],
    ...{ stateDir, views: new MemoryViews(), egressLog: NO_DECISIONS, log },
    gate,
    browsers: new BrowserGate({ desired, gate, servingOf: () => null }),
    feed: new GatewayFeed({ stateDir, config, desired, now: clock.now, log }),
    approvals: await openApprovals({ instance: INSTANCE, views: new MemoryViews(), clock }),
    audit: new Audit({ instance: INSTANCE, log, record: () => undefined }),
    commands: {
      access: { commands: makeHostShellEngine(["dash"]), dial: note("dial"), lease: note("use"), look: note("look") },
      ...{ meter: silentMeter, clock, newProcessId: () => "0123456789abcdef", output: new OutputLog(clock.now) },
    },
  });
  onTestFinished(() => server.stop());
  const client = new ControllerClient({ stateDir, socketPath: toStreamSocketPath(stateDir), accessFix: "" });
  const run = async (query: string, argv: string[]): Promise<unknown> => {
    const streams = { stdin: Readable.from([]), output: async () => true };
    return await new CommandConnection(client, `${PATH}/exec?${query}`, { argv, stdin: false }, streams).ended.catch(
      ({ code }: OperationError) => code,
    );
  };
  return { run, processes: new ProcessClient(client, `${PATH}/processes`), asked, logged };
}

test("a listing and reads of processes may look; nothing that runs a command of its own may, nor what writes", async () => {
  const { run, processes, asked } = await open();
  const list = toFileCommand(LIST_FOLDER, ["./.", "10"]);
  expect(await run("tool=read&look=1", list)).toBe("NotReady");
  await expect(processes.list({ isLook: true })).rejects.toMatchObject({ code: "NotReady" });
  await expect(processes.log("0123456789abcdef", { offset: 0, limit: 1, waitMs: 0, isLook: true })).rejects.toThrow();
  expect(asked).toEqual(["look", "look", "look"]);
  for (const tool of ["exec", "process", "write", "media"]) expect(await run(`tool=${tool}&look=1`, ["id"]), tool).toBe("NotFound");
  expect(await run("tool=read&look=1", ["id"])).toBe("Forbidden");
  expect(await run("tool=read", list)).toBe("NotReady");
  await expect(processes.kill("0123456789abcdef", "TERM")).rejects.toThrow();
  expect(asked.slice(3)).toEqual(["use", "use"]);
});

test("a command is written down with whom it is for, as the gateway says; looks are not written at that level", async () => {
  const { run, logged } = await open();
  await run("tool=read&look=1", toFileCommand(LIST_FOLDER, ["./.", "10"]));
  await run(`tool=exec&by=${"d".repeat(64)}`, ["id"]);
  expect(logged.map((line) => JSON.parse(line)).filter(({ msg }) => msg === "stream call")).toEqual([
    expect.objectContaining({ tool: "exec", command: "id", by: "d".repeat(64) }),
  ]);
  expect(await run("tool=exec&by=../../x", ["id"])).toBe("NotFound");
});
