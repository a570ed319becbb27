// The table of the socket's events: their names, what is in them, and which scope a connection needs to get them.
// When each is sent is gateway/ws/'s and its callers'.
import { z } from "zod";
import { AgentEventPayload, ChatEventPayload } from "./chat.ts";
import { DeviceIdText, PairingRequestView, RequestIdText } from "./devices.ts";
import { allows, type Scope } from "./scopes.ts";

const Time = z.int().meta({ description: "Milliseconds since 1970" });

interface EventFacts {
  summary: string;
  /** Absent: every connection that is let in gets it. */
  scope?: Scope;
  payload: z.ZodType;
}

export const EVENTS = {
  tick: {
    summary: "Every 15 s: the connection lives",
    payload: z.object({ ts: Time }),
  },
  "events.lost": {
    summary: "The client read too slowly: events with these numbers were not sent. It asks for everything anew",
    payload: z.object({ from: z.int(), to: z.int() }),
  },
  "tool.output": {
    summary: "What a tool that this connection called says while it runs",
    payload: z.looseObject({
      callId: z.string().meta({ description: "The request's `id`" }),
      kind: z.string().meta({ description: "`started`, `progress`, `stdout`, `stderr`" }),
      data: z.string().optional().meta({ description: "Of `stdout` and `stderr`: base64" }),
      terminal: z.string().optional().meta({ description: "Of `started`: the terminal that was opened" }),
    }),
  },
  "sessions.changed": {
    summary: "A session began, was used, ended or was deleted, or a message was appended: ask for it again",
    scope: "operator.read",
    payload: z.object({ key: z.string(), change: z.enum(["changed", "message", "deleted"]) }),
  },
  chat: {
    summary:
      "What a run answers. Deltas are not sent again to a client that comes back: it asks `chat.history`, whose `run` has the text so far and the number up to which it goes",
    scope: "operator.read",
    payload: ChatEventPayload,
  },
  agent: {
    summary: "What a run does besides answering. Of its output the same holds as of deltas",
    scope: "operator.read",
    payload: AgentEventPayload,
  },
  "sandbox.changed": {
    summary: "A sandbox's status changed. Without a name: any may have, since the gateway lost and found the controller",
    scope: "operator.read",
    payload: z.object({
      name: z.string().nullable(),
      sandbox: z
        .record(z.string(), z.unknown())
        .nullable()
        .meta({ description: "As in `sandbox.list`. null: it is gone, or `name` is null" }),
    }),
  },
  "device.pair.requested": {
    summary: "A device is awaiting a decision",
    scope: "operator.pairing",
    payload: PairingRequestView,
  },
  "device.pair.resolved": {
    summary: "Somebody decided",
    scope: "operator.pairing",
    payload: z.object({ requestId: RequestIdText, deviceId: DeviceIdText, decision: z.enum(["approved", "rejected"]), ts: Time }),
  },
  shutdown: {
    summary: "The gateway ends; requests that are under way are answered first",
    payload: z.object({ reason: z.string() }),
  },
} as const satisfies Record<string, EventFacts>;

export type EventName = keyof typeof EVENTS;
export type EventPayload<Name extends EventName> = z.input<(typeof EVENTS)[Name]["payload"]>;

const scopeOf = (name: EventName): Scope | undefined => {
  const facts: EventFacts = EVENTS[name];
  return facts.scope;
};

export function mayHear(granted: readonly Scope[], name: EventName): boolean {
  const scope = scopeOf(name);
  return scope === undefined || allows(granted, scope);
}

/** Those that a connection with these scopes gets. */
export const eventNamesFor = (granted: readonly Scope[]): EventName[] =>
  (Object.keys(EVENTS) as EventName[]).filter((name) => mayHear(granted, name));
