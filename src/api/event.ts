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

/** So many are kept: 64 objects with full rings, or 400 with ten events each; at under 2 KiB each, 8 MiB. */
export const EVENTS_MAX = 4_096;

export const EVENT_MESSAGE_LENGTH_MAX = 1_024;

/** `2026-01-31T12:00:00.000Z Warning SetupFailed Sandbox/openclaw-sbx-x: ... (x3)`. What is named by a file is so in the message already. */
export function renderEvent({ type, reason, message, count, lastSeen, object }: SandboxEvent): string {
  const about = object.name.startsWith("/") ? object.kind : `${object.kind}/${object.name}`;
  return `${new Date(lastSeen).toISOString()} ${type} ${reason} ${about}: ${message}${count > 1 ? ` (x${count})` : ""}`;
}
