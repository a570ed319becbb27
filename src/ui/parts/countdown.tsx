// A moment that is awaited, as the time that is left until then.
import type { ReactNode } from "react";
import { renderMoment, renderSpan } from "../text/time.ts";
import { useNow } from "./use-now.ts";

export function Countdown({ until }: { until: number }): ReactNode {
  const now = useNow();
  return (
    <time className="countdown" dateTime={new Date(until).toISOString()} title={renderMoment(until, now)}>
      {until > now ? `in ${renderSpan(until - now)}` : "now"}
    </time>
  );
}
