// What the command line asks of the controller of a state folder, over its admin socket.
// How it is asked is api/controller-client.ts; commands inside sandboxes are api/command-client.ts.
import type { ApprovalKeyList, ApprovalKeyPut, ApprovalKeyRemoved, ApprovalKeyView } from "../api/approval-keys.ts";
import type { ConfigRevisions, ConfigRevisionTexts } from "../api/config-revision.ts";
import { hasFields } from "../api/controller-client.ts";
import type { EgressTest } from "../api/egress-log.ts";
import type { ExplainView } from "../api/explain-view.ts";
import type { OutputLines } from "../api/output-line.ts";
import { ProcessClient } from "../api/process-client.ts";
import type { SandboxKind } from "../api/sandbox.ts";
import { toAdminSocketPath } from "../api/unix-socket.ts";
import type { UsageView } from "../api/usage.ts";
import { toQuery, toSandboxPath, ViewClient } from "../api/view-client.ts";
import type { AuditView, ConfigTexts, DoctorView, HeldView, PlanView, PruneView, UnownedList } from "../api/wire.ts";

export class AdminClient extends ViewClient {
  constructor(stateDir: string) {
    super({ stateDir, socketPath: toAdminSocketPath(stateDir), accessFix: "run the command as the user that runs the controller" });
  }

  configHistory = (): Promise<ConfigRevisions> => this.json("GET", "/v1/config-history", hasFields<ConfigRevisions>("items"));
  configRevision = (revision: number): Promise<ConfigRevisionTexts> =>
    this.json("GET", `/v1/config-history/${revision}`, hasFields<ConfigRevisionTexts>("revision", "texts"));

  /** @param name null: of all sandboxes */
  usage = (name: string | null): Promise<UsageView> => this.json("GET", `/v1/usage?${toQuery({ name })}`, hasFields<UsageView>("items"));

  output = (name: string): Promise<OutputLines> =>
    this.json("GET", `${toSandboxPath(name)}/output`, hasFields<OutputLines>("items", "lastId"));

  egressTest = (name: string, url: string): Promise<EgressTest> =>
    this.json("POST", `${toSandboxPath(name)}/egress/test`, hasFields<EgressTest>("verdict", "reason", "message"), { url });

  plan = (config: ConfigTexts | null): Promise<PlanView> =>
    this.json("POST", "/v1/plan", hasFields<PlanView>("items", "issues"), config === null ? {} : { config });

  /** @param query `kind` null: the sandbox where tools run, or what the name is of */
  explain(query: { session: string | null; agent: string | null; name: string | null; kind: SandboxKind | null }): Promise<ExplainView> {
    return this.json("GET", `/v1/explain?${toQuery(query)}`, hasFields<ExplainView>("agentId", "values"));
  }

  audit = (): Promise<AuditView> => this.json("GET", "/v1/audit", hasFields<AuditView>("items"));
  held = (): Promise<HeldView> => this.json("GET", "/v1/held", hasFields<HeldView>("items", "removals", "of"));
  unowned = (): Promise<UnownedList> => this.json("GET", "/v1/unowned", hasFields<UnownedList>("items"));
  doctor = (): Promise<DoctorView> => this.json("GET", "/v1/doctor", hasFields<DoctorView>("findings"));
  prune = (dryRun: boolean): Promise<PruneView> => this.json("POST", "/v1/prune", hasFields<PruneView>("items", "removed"), { dryRun });

  /** Of devices whose signatures count. */
  approvalKeys = async (): Promise<readonly ApprovalKeyView[]> =>
    (await this.json("GET", "/v1/approval-keys", hasFields<ApprovalKeyList>("items"))).items;

  registerKey = (deviceId: string, key: ApprovalKeyPut): Promise<ApprovalKeyView> =>
    this.json("PUT", `/v1/approval-keys/${deviceId}`, hasFields<ApprovalKeyView>("deviceId", "kind"), key);

  removeKey = (deviceId: string): Promise<ApprovalKeyRemoved> =>
    this.json("DELETE", `/v1/approval-keys/${deviceId}`, hasFields<ApprovalKeyRemoved>("removed"));

  processesOf = (name: string): ProcessClient => new ProcessClient(this, `${toSandboxPath(name)}/processes`);
}
