// Keeps what the page has asked for current by the gateway's events: what an event carries is put in, what it only names is asked for again. Events
// come in bursts: those of a moment are worked off together.
import type { QueryClient } from "@tanstack/react-query";
import type { EventPayload } from "../../api/gateway-protocol/events.ts";
import type { Sandbox } from "../../api/sandbox.ts";
import type { GatewayEvent, GatewayLink } from "./link.ts";

/** A person sees it as at once. */
const BURST_MS = 150;

type SandboxChange = EventPayload<"sandbox.changed">;
type SessionChange = EventPayload<"sessions.changed">;

/** Until the page is closed. */
export function keepCurrent(link: GatewayLink, queries: QueryClient): void {
  let burst: GatewayEvent[] = [];
  link.onEvent((event) => {
    if (burst.push(event) > 1) return;
    setTimeout(() => {
      const events = burst;
      burst = [];
      apply(events, queries);
    }, BURST_MS);
  });
}

function apply(events: readonly GatewayEvent[], queries: QueryClient): void {
  const changes = events.flatMap(({ event, payload }) => (event === "sandbox.changed" ? [payload as SandboxChange] : []));
  if (events.some(({ event }) => event === "events.lost") || changes.some(({ name }) => name === null)) {
    void queries.invalidateQueries();
    return;
  }
  if (changes.length > 0) {
    queries.setQueryData<readonly Sandbox[]>(["sandbox.list"], (before) => before && withChanges(before, changes));
    void queries.invalidateQueries({ queryKey: ["events.list"] });
    void queries.invalidateQueries({ queryKey: ["rollout.status"] });
  }
  for (const name of new Set(changes.map(({ name: changed }) => changed)))
    for (const method of ["sandbox.get", "sandbox.explain"]) void queries.invalidateQueries({ queryKey: [method, { name }] });
  const sessions = new Set(events.flatMap(({ event, payload }) => (event === "sessions.changed" ? [(payload as SessionChange).key] : [])));
  if (sessions.size > 0) void queries.invalidateQueries({ queryKey: ["sessions.list"] });
  for (const key of sessions) {
    void queries.invalidateQueries({ queryKey: ["sessions.get", { key }] });
    void queries.invalidateQueries({ queryKey: ["sessions.messages", key] });
  }
  if (events.some(({ event }) => event.startsWith("device.pair."))) void queries.invalidateQueries({ queryKey: ["device.pair.list"] });
}

/** The newest of each, in the order of names. */
export function withChanges(before: readonly Sandbox[], changes: readonly SandboxChange[]): Sandbox[] {
  const byName = new Map(before.map((sandbox): [string, Sandbox] => [sandbox.metadata.name, sandbox]));
  for (const { name, sandbox } of changes) {
    if (name === null) continue;
    if (sandbox === null) byName.delete(name);
    else byName.set(name, sandbox as unknown as Sandbox);
  }
  return [...byName].toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([, sandbox]) => sandbox);
}
