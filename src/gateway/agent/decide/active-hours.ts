// Whether a moment lies within the hours of a day in which an agent may begin something by itself. Pure.

export interface ActiveHours {
  /** `HH:MM`; 24:00 is the end of the day. */
  readonly start: string;
  /** Before `start`: of the next day. The same: never. */
  readonly end: string;
  /** IANA name. null: the host's. */
  readonly timezone: string | null;
}

/** A time zone that nobody knows counts as UTC. */
export function isActive({ start, end, timezone }: ActiveHours, at: number): boolean {
  const now = toTimeOfDay(at, timezone);
  return start <= end ? now >= start && now < end : now >= start || now < end;
}

function toTimeOfDay(at: number, timezone: string | null): string {
  const options = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" } as const;
  try {
    return new Intl.DateTimeFormat("en-GB", { ...options, ...(timezone !== null && { timeZone: timezone }) }).format(at);
  } catch {
    return new Intl.DateTimeFormat("en-GB", { ...options, timeZone: "UTC" }).format(at);
  }
}
