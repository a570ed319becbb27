// What a controller is made of: the options that its process gives it, and what was read from the state folder at the start.
// Types alone: putting the parts together is controller.ts's.
import type { Logger } from "pino";
import type { Clock } from "../api/clock.ts";
import type { HostFolders } from "../api/config/config.ts";
import type { ConfigEnvironment } from "../api/config/parse.ts";
import type { Member } from "./decide/guard.ts";
import type { Owner } from "./decide/spec.ts";
import type { Engine } from "./engine/engine.ts";
import type { OwnedCommands } from "./loop/owned-commands.ts";
import type { ControllerMetrics } from "./metrics/metrics.ts";
import type { Activity } from "./records/activity.ts";
import type { ApprovalKeys } from "./records/approval-keys.ts";
import type { ConfigHistory } from "./records/config-history.ts";
import type { EgressLog } from "./records/egress-log.ts";
import type { EventLog } from "./records/event-log.ts";
import type { Ledger } from "./records/ledger.ts";
import type { OutputLog } from "./records/output-log.ts";
import type { SetupLogs } from "./records/setup-logs.ts";
import type { StatusStore } from "./records/status-store.ts";

export interface ControllerOptions {
  folders: HostFolders;
  configPath: string;
  environment: ConfigEnvironment;
  engine: Engine;
  clock: Clock;
  /** 0 inclusive to 1 exclusive. */
  random(): number;
  /** A new UUID. */
  newUid(): string;
  /** Who the controller runs as. */
  owner: Owner;
  /** Passes at the same time: the engine's throughput peaks at 2 to 4 creations per core and then collapses. */
  concurrency: number;
  log: Logger;
  metrics: ControllerMetrics;
}

/** What was read from the state folder. */
export interface Opened {
  events: EventLog;
  statuses: StatusStore;
  ledger: Ledger;
  activity: Activity;
  setupLogs: SetupLogs;
  approvalKeys: ApprovalKeys;
  output: OutputLog;
  configHistory: ConfigHistory;
  commands: OwnedCommands;
  /** Of the containers of the egress. */
  egressLedger: Ledger;
  egressLog: EgressLog;
  /** Who lived here when the last controller ended. null: not known. */
  members: readonly Member[] | null;
}
