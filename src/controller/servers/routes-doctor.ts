// The doctor's findings for a gateway. A look runs a container for a moment, so there is at most one a minute, however often it is asked for: whoever
// asks meanwhile gets the last report, which says when it was made. What is looked at is doctor/examine.ts's.
import { Hono } from "hono";
import { elapsed, MINUTE_MS, toEpochMs } from "../../api/brands.ts";
import type { Clock } from "../../api/clock.ts";
import type { DoctorReport } from "../../api/doctor-report.ts";
import type { AdminViews } from "../views/admin-views.ts";

const FRESH_MS = MINUTE_MS;

export function doctorRoutes(views: Pick<AdminViews, "doctor" | "unowned">, clock: Pick<Clock, "now">): Hono {
  let looked: { at: number; report: Promise<DoctorReport> } | null = null;
  const look = async (at: number): Promise<DoctorReport> => {
    const [{ findings }, unowned] = await Promise.all([views.doctor(), views.unowned().catch(() => [])]);
    return { at, findings, unowned: [...unowned] };
  };
  const routes = new Hono();
  routes.get("/doctor", async ({ json }) => {
    const now = clock.now();
    // One that failed counts too: what can't be looked at is not looked at all the time.
    if (looked === null || elapsed(toEpochMs(looked.at), now) >= FRESH_MS) looked = { at: now, report: look(now) };
    return json(await looked.report);
  });
  return routes;
}
