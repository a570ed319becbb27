// What happened to a sandbox or to the config, as people read it. Similar events are one event with a count.
import type { EpochMs } from "./brands.ts";

export type EventType = "Normal" | "Warning";

export interface SandboxEvent {
  /** Grows by one per recorded change; what `Last-Event-ID` carries. */
  id: number;
  type: EventType;
  /** One CamelCase word. */
  reason: string;
  message: string;
  /** How many similar ones this stands for. */
  count: number;
  firstSeen: EpochMs;
  lastSeen: EpochMs;
  object: { kind: "Sandbox" | "Config" | "Session" | "Controller"; name: string };
  /** The pass that caused it. Absent: not caused by a pass. */
  reconcileId?: string;
}

export const EVENT_MESSAGE_LENGTH_MAX = 1_024;

/** `2026-01-31T12:00:00.000Z Warning SetupFailed Sandbox/openclaw-sbx-x: ... (x3)` */
export function renderEvent(event: SandboxEvent): string {
  const times = event.count > 1 ? ` (x${event.count})` : "";
  return `${new Date(event.lastSeen).toISOString()} ${event.type} ${event.reason} ${event.object.kind}/${event.object.name}: ${event.message}${times}`;
}
