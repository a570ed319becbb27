// Where everything in the state folder lies. Paths only; who may write where is in ARCHITECTURE.md.
import { join } from "node:path";

export interface StatePaths {
  /** A folder for each agent, with `sessions/` in it. */
  agents: string;
  requests: string;
  controller: string;
  status: string;
  events: string;
  eventFile: string;
  ledger: string;
  /** Of the egress's containers. */
  egressLedger: string;
  /** What each sandbox reached and was refused. */
  egressLogs: string;
  activity: string;
  lastGood: string;
  /** A file for each config that was in force. */
  configHistory: string;
  guard: string;
  approvalKeys: string;
  setupLogs: string;
  /** A file for each command that runs. */
  commands: string;
  /** Empty; shows whether the engine sees the same files under the same numbers. */
  calibration: string;
  run: string;
}

export function toStatePaths(stateDir: string): StatePaths {
  const controller = join(stateDir, "controller");
  const run = join(stateDir, "run");
  return {
    agents: join(stateDir, "agents"),
    requests: join(stateDir, "requests"),
    controller,
    status: join(controller, "status"),
    events: join(controller, "events"),
    eventFile: join(controller, "events", "events.jsonl"),
    ledger: join(controller, "ledger"),
    egressLedger: join(controller, "egress-ledger"),
    egressLogs: join(controller, "egress-logs"),
    activity: join(controller, "activity.json"),
    lastGood: join(controller, "last-good.json"),
    configHistory: join(controller, "config-history"),
    guard: join(controller, "brake.json"),
    approvalKeys: join(controller, "approval-keys.json"),
    setupLogs: join(controller, "setup-logs"),
    commands: join(controller, "commands"),
    calibration: join(controller, "calibration"),
    run,
  };
}
