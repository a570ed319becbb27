// What the command line asks of the controller of a state folder, over its admin socket.
// How it is asked is api/controller-client.ts; commands inside sandboxes are api/command-client.ts.
import { ControllerClient, hasFields } from "../api/controller-client.ts";
import { ProcessClient } from "../api/process-client.ts";
import type { Sandbox } from "../api/sandbox.ts";
import { toAdminSocketPath } from "../api/unix-socket.ts";
import type {
  AuditView,
  ConfigTexts,
  ControllerView,
  DoctorView,
  EventList,
  ExplainView,
  HeldView,
  PlanView,
  PruneView,
  SandboxDetail,
  SandboxList,
  SetupLogView,
  UnownedList,
} from "../api/wire.ts";

export const isSandboxList = hasFields<SandboxList>("items");
export const isSandboxChange = hasFields<{ name: string; sandbox: Sandbox | null }>("name", "sandbox");

export class AdminClient extends ControllerClient {
  constructor(stateDir: string) {
    super({ stateDir, socketPath: toAdminSocketPath(stateDir), accessFix: "run the command as the user that runs the controller" });
  }

  status = (): Promise<ControllerView> => this.json("GET", "/v1/status", hasFields<ControllerView>("instance", "ready", "config"));

  sandboxes = async (kind: "tools" | "browser" | "all"): Promise<Sandbox[]> =>
    (await this.json("GET", `/v1/sandboxes?kind=${kind}`, isSandboxList)).items;

  sandbox = (name: string): Promise<SandboxDetail> => this.json("GET", toSandboxPath(name), hasFields<SandboxDetail>("sandbox", "events"));

  logs = (name: string, tail: number): Promise<SetupLogView> =>
    this.json("GET", `${toSandboxPath(name)}/logs?tail=${tail}`, hasFields<SetupLogView>("state", "text"));

  plan = (config: ConfigTexts | null): Promise<PlanView> =>
    this.json("POST", "/v1/plan", hasFields<PlanView>("items", "issues"), config === null ? {} : { config });

  explain(query: { session: string | null; agent: string | null }): Promise<ExplainView> {
    return this.json("GET", `/v1/explain?${toQuery(query)}`, hasFields<ExplainView>("agentId", "values"));
  }

  events(query: { sandbox: string | null }): Promise<EventList> {
    return this.json("GET", `/v1/events?${toQuery(query)}`, hasFields<EventList>("items"));
  }

  audit = (): Promise<AuditView> => this.json("GET", "/v1/audit", hasFields<AuditView>("items"));
  held = (): Promise<HeldView> => this.json("GET", "/v1/held", hasFields<HeldView>("items", "removals", "of"));
  unowned = (): Promise<UnownedList> => this.json("GET", "/v1/unowned", hasFields<UnownedList>("items"));
  doctor = (): Promise<DoctorView> => this.json("GET", "/v1/doctor", hasFields<DoctorView>("findings"));
  prune = (dryRun: boolean): Promise<PruneView> => this.json("POST", "/v1/prune", hasFields<PruneView>("items", "removed"), { dryRun });

  processesOf = (name: string): ProcessClient => new ProcessClient(this, `${toSandboxPath(name)}/processes`);
}

export const toSandboxPath = (name: string): string => `/v1/sandboxes/${encodeURIComponent(name)}`;

function toQuery(values: Readonly<Record<string, string | null>>): string {
  const given = Object.entries(values).flatMap(([key, value]): [string, string][] => (value === null ? [] : [[key, value]]));
  return new URLSearchParams(given).toString();
}
