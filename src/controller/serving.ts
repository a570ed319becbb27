// What a running controller shows and takes: its views, and the servers for its owner and for the gateway, wired over its parts.
// When it starts and how it ends is main.ts's.
import type { Controller } from "./controller.ts";
import { toEgressService } from "./egress-parts.ts";
import type { Engine } from "./engine/engine.ts";
import { readPromptFiles } from "./folders/prompt-files.ts";
import { History } from "./metrics/history.ts";
import type { ControllerOptions } from "./parts.ts";
import { startAdminServer } from "./servers/admin-server.ts";
import { ApprovalGate } from "./servers/approval-gate.ts";
import { Audit } from "./servers/audit.ts";
import { BrowserGate } from "./servers/browser-gate.ts";
import { SessionGate } from "./servers/session-gate.ts";
import { startStreamServer } from "./servers/stream-server.ts";
import { GatewayFeed } from "./sources/gateway-feed.ts";
import { LoopViews, type ViewParts } from "./views/views.ts";

export interface ServingParts extends Pick<ControllerOptions, "folders" | "owner" | "clock" | "log" | "newUid" | "metrics"> {
  controller: Controller;
  /** How the process is. */
  status: ViewParts["status"];
  /** Of the environment, for a config that is planned and not in force. */
  variables: Readonly<Record<string, string | undefined>>;
  engine: Engine;
}

/** 64 bits of chance: never the same twice. */
const PROCESS_ID_LENGTH = 16;

/** Before the loop starts: nothing is asked of a controller that can't be reached. @param servers ends them @throws OperationError `HostRejected` */
export async function startServers(parts: ServingParts, servers: AsyncDisposableStack): Promise<void> {
  const { controller, status, folders, variables, engine, owner, clock, log, metrics, newUid } = parts;
  const { stateDir } = folders;
  const history = new History({ clock, sandboxes: () => controller.statuses.list() });
  metrics.watchFacts(history);
  const views = new LoopViews({
    history,
    instance: engine.instance,
    folders,
    environment: { ...folders, variables, trustedOwners: null },
    now: clock.now,
    status,
    config: controller.config,
    desired: controller.desired,
    observer: controller.observer,
    observerUnder: (desired) => controller.observer.under(desired, controller.guard.under(desired)),
    statuses: controller.statuses,
    events: controller.events,
    logs: controller.setupLogs,
    sweep: controller.sweep,
    guard: controller.guard,
    damaged: controller.damaged,
    rollouts: controller.rollouts,
    ...{ ledger: controller.ledger, egressLedger: controller.egressLedger },
    engine,
    owner,
  });
  const commands = {
    meter: metrics,
    output: controller.output,
    access: controller.access,
    clock,
    newProcessId: () => newUid().replaceAll("-", "").slice(0, PROCESS_ID_LENGTH),
  };
  servers.defer(history.start());
  const gate = new SessionGate({
    desired: controller.desired,
    statusOf: (name) => controller.statuses.get(name) ?? null,
    statuses: () => controller.statuses.list(),
    fullness: (sandbox) => controller.sizes.refusal(sandbox),
  });
  const browsers = new BrowserGate({ desired: controller.desired, gate, servingOf: (name) => controller.access.servingOf(name) });
  const audit = new Audit({ instance: engine.instance, log, record: (event) => void controller.events.record(event) });
  const keys = controller.approvalKeys;
  const admin = await startAdminServer({
    ...{ stateDir, views, log, commands },
    approvals: { keys, audit },
    history: controller.configHistory,
    egress: toEgressService(controller),
  });
  servers.defer(() => admin.stop());
  const approvals = {
    instance: engine.instance,
    keys,
    gate: new ApprovalGate({ instance: engine.instance, keys, views, clock }),
  };
  const feed = new GatewayFeed({ stateDir, config: controller.config, desired: controller.desired, now: clock.now, log });
  const promptFiles = (paths: readonly string[]): ReturnType<typeof readPromptFiles> => readPromptFiles(paths, folders);
  const { egressLog } = controller;
  const stream = await startStreamServer({
    ...{ stateDir, views, egressLog, gate, browsers, feed, audit, approvals, promptFiles, log, commands },
  });
  servers.defer(() => stream.stop());
}
