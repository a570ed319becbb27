// The config for a gateway whose person wants to see and change it: its main file without secrets, and what an edit of it would do. Bounded in size and
// in rate; nothing is saved. What is told and what is not is views/config-edit.ts's.

import { Hono } from "hono";
import { toDurationMs } from "../../api/brands.ts";
import type { Clock } from "../../api/clock.ts";
import { ConfigEdit } from "../../api/config-edit.ts";
import { OperationError } from "../../api/errors.ts";
import type { AdminViews } from "../views/admin-views.ts";
import { parseBody } from "./request.ts";
import { RequestRate } from "./request-rate.ts";

/** A page asks each time that somebody pauses in typing; a text of a usual size takes some milliseconds, the largest a second. */
const CHECKS = { atOnceMax: 20, each: toDurationMs(500) };
/** A plan looks at every sandbox twice: of a thousand some seconds. */
const PLANS = { atOnceMax: 6, each: toDurationMs(5_000) };

export function configRoutes(views: Pick<AdminViews, "configText" | "tryConfigEdit">, clock: Pick<Clock, "now">): Hono {
  const routes = new Hono();
  const now = clock.now.bind(clock);
  const rates = { checks: new RequestRate({ ...CHECKS, now }), plans: new RequestRate({ ...PLANS, now }) };
  routes.get("/config/text", (context) => context.json(views.configText()));
  routes.post("/config/edit", async (context) => {
    // Before the body: a large one costs as much as it is long.
    if (!rates.checks.take()) throw tooOften();
    const edit = await parseBody(context, ConfigEdit);
    if (edit.plan && !rates.plans.take()) throw tooOften();
    return context.json(await views.tryConfigEdit(edit));
  });
  return routes;
}

const tooOften = (): OperationError =>
  new OperationError("LimitExceeded", "too many edits of the config were tried at once", {
    fix: "try again in some seconds, or on the host: openclaw sandbox plan --config FILE",
  });
