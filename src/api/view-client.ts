// What may be asked of the controller over either of its sockets: how it is, its sandboxes, its events. Read only.
// What only one of them answers is its own client's.
import { ControllerClient, hasFields } from "./controller-client.ts";
import type { EgressLog } from "./egress-log.ts";
import type { Sandbox } from "./sandbox.ts";
import type { ControllerView, EventList, NameView, SandboxDetail, SandboxList, SetupLogView } from "./wire.ts";

export const isSandboxList = hasFields<SandboxList>("items");
export const isSandboxChanged = hasFields<{ name: string; sandbox: Sandbox | null }>("name", "sandbox");

export class ViewClient extends ControllerClient {
  status = (): Promise<ControllerView> => this.json("GET", "/v1/status", hasFields<ControllerView>("instance", "ready", "config"));

  sandboxes = async (kind: "tools" | "browser" | "all"): Promise<Sandbox[]> =>
    (await this.json("GET", `/v1/sandboxes?kind=${kind}`, isSandboxList)).items;

  sandbox = (name: string): Promise<SandboxDetail> => this.json("GET", toSandboxPath(name), hasFields<SandboxDetail>("sandbox", "events"));

  /** @param tail lines, the newest */
  logs = (name: string, tail: number): Promise<SetupLogView> =>
    this.json("GET", `${toSandboxPath(name)}/logs?tail=${tail}`, hasFields<SetupLogView>("state", "text"));

  /** @param tail the newest */
  egressLog = (name: string, tail: number): Promise<EgressLog> =>
    this.json("GET", `${toSandboxPath(name)}/egress/log?tail=${tail}`, hasFields<EgressLog>("items", "counts"));

  /** @throws OperationError `NotFound`: a name of nothing, `InvalidArgument`: of several */
  named = (text: string): Promise<NameView> =>
    this.json("GET", `/v1/names/${encodeURIComponent(text)}`, hasFields<NameView>("sandbox", "scopeKey"));

  /** @param query.tail the newest; null: all that are kept */
  events({ sandbox, tail = null }: { sandbox: string | null; tail?: number | null }): Promise<EventList> {
    return this.json("GET", `/v1/events?${toQuery({ sandbox, tail: tail?.toString() ?? null })}`, hasFields<EventList>("items"));
  }
}

export const toSandboxPath = (name: string): string => `/v1/sandboxes/${encodeURIComponent(name)}`;

/** Without those that are null. */
export function toQuery(values: Readonly<Record<string, string | null>>): string {
  const given = Object.entries(values).flatMap(([key, value]): [string, string][] => (value === null ? [] : [[key, value]]));
  return new URLSearchParams(given).toString();
}
