// What the gateway may request about any sandbox on a person's behalf: a new container once nothing runs in the old one, and that one stays as it is.
// Bounded in rate, and written down. What ends live work, approves a removal or prunes is routes-approvals.ts's.
import { Hono } from "hono";
import { type SandboxName, toDurationMs } from "../../api/brands.ts";
import type { Clock } from "../../api/clock.ts";
import { OperationError } from "../../api/errors.ts";
import { GatewayPin, GatewayRequest, type GatewayRequestView } from "../../api/wire.ts";
import type { AdminViews } from "../views/admin-views.ts";
import type { Audit } from "./audit.ts";
import { findSandbox, parseBody } from "./request.ts";
import { RequestRate } from "./request-rate.ts";

export interface GatewayRequestParts {
  views: AdminViews;
  audit: Audit;
  clock: Pick<Clock, "now">;
  requests: {
    recreate(name: SandboxName): Promise<void>;
    pin(name: SandboxName, pinned: boolean): Promise<void>;
  };
}

/** A person who goes through a list; each new container takes the engine a tenth of a second. */
const AT_ONCE_MAX = 30;
const EACH_MS = toDurationMs(2_000);

export function gatewayRequestRoutes({ views, audit, clock, requests }: GatewayRequestParts): Hono {
  const routes = new Hono();
  const rate = new RequestRate({ atOnceMax: AT_ONCE_MAX, each: EACH_MS, now: () => clock.now() });
  const admit = (written: string | undefined, action: "recreate" | "pin" | "unpin", by: string | undefined): SandboxName =>
    audit.request({ action, sandbox: written ?? "", by: by ?? null }, () => {
      const { name } = findSandbox(views, written).metadata;
      if (rate.take()) return name;
      throw new OperationError("LimitExceeded", `more than ${AT_ONCE_MAX} requests about sandboxes at once came from the gateway`, {
        fix: "try again in a minute, or use the command line: openclaw sandbox recreate",
      });
    });
  routes.post("/sandboxes/:name/recreate", async (context) => {
    const { by } = await parseBody(context, GatewayRequest);
    const name = admit(context.req.param("name"), "recreate", by);
    await requests.recreate(name);
    return context.json({ sandbox: name } satisfies GatewayRequestView);
  });
  routes.post("/sandboxes/:name/pin", async (context) => {
    const { by, pinned } = await parseBody(context, GatewayPin);
    const name = admit(context.req.param("name"), pinned ? "pin" : "unpin", by);
    await requests.pin(name, pinned);
    return context.json({ sandbox: name } satisfies GatewayRequestView);
  });
  return routes;
}
