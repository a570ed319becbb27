// Both sockets of a controller over views that a test sets, with no engine and no loop behind them. Stopped after the test. It asserts nothing.
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { pino } from "pino";
import { onTestFinished } from "vitest";
import { type InstanceId, toInstanceId } from "../src/api/brands.ts";
import { createSystemClock } from "../src/api/clock.ts";
import { toSlug } from "../src/api/names.ts";
import { makeFolder } from "../src/api/store/group-folder.ts";
import { OutputLog } from "../src/controller/records/output-log.ts";
import { startAdminServer } from "../src/controller/servers/admin-server.ts";
import { openApprovals } from "../src/controller/servers/approvals.fixture.ts";
import { Audit } from "../src/controller/servers/audit.ts";
import { BrowserGate } from "../src/controller/servers/browser-gate.ts";
import { makeHostShellEngine } from "../src/controller/servers/host-shell.fixture.ts";
import { type MemoryViews, NO_DECISIONS, silentMeter } from "../src/controller/servers/server.fixture.ts";
import { SessionGate } from "../src/controller/servers/session-gate.ts";
import { startStreamServer } from "../src/controller/servers/stream-server.ts";
import { DesiredState } from "../src/controller/sources/desired-state.ts";
import { GatewayFeed } from "../src/controller/sources/gateway-feed.ts";

export const INSTANCE: InstanceId = toInstanceId("0123456789ab");

export async function startViewsController(stateDir: string, views: MemoryViews): Promise<void> {
  const [clock, log] = [createSystemClock(), pino({ level: "silent" })];
  const folder = join(stateDir, "controller");
  await makeFolder(folder);
  const approvals = await openApprovals({ instance: INSTANCE, views, clock, folder });
  const audit = new Audit({ instance: INSTANCE, log, record: () => undefined });
  const desired = new DesiredState((scopeKey) => toSlug(INSTANCE, scopeKey), { stateDir, home: "/home/claw" });
  const config = { view: { file: "/", ok: true, issues: [], loadedAt: 0 }, isMissing: false, watch: () => () => undefined };
  const admin = await startAdminServer({ stateDir, views, log, approvals: { keys: approvals.keys, audit } });
  const nothing = () => Promise.reject(new Error("nothing runs in this test"));
  const gate = new SessionGate({ desired, statusOf: () => null, statuses: () => [], fullness: () => null });
  const stream = await startStreamServer({
    promptFiles: async () => [],
    ...{ stateDir, views, egressLog: NO_DECISIONS, log, audit, approvals },
    gate,
    browsers: new BrowserGate({ desired, gate, servingOf: () => null }),
    feed: new GatewayFeed({ stateDir, config, desired, now: clock.now, log }),
    commands: {
      access: { commands: makeHostShellEngine(["dash"]), dial: nothing, lease: nothing, look: nothing },
      ...{ meter: silentMeter, output: new OutputLog(() => clock.now()), clock, newProcessId: () => randomBytes(8).toString("hex") },
    },
  });
  onTestFinished(async () => {
    await admin.stop();
    await stream.stop();
  });
}
