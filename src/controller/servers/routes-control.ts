// Routes about the controller as a whole: status, plan, explain, events for everybody; another config, what is unowned, prune for its owner.
// Single sandboxes are routes-sandboxes.ts.

import { Hono } from "hono";
import { toSandboxName } from "../../api/brands.ts";
import type { ConfigSources } from "../../api/config/sources.ts";
import { OperationError } from "../../api/errors.ts";
import { EVENTS_MAX, type SandboxEvent } from "../../api/event.ts";
import type { ServerSentEvent } from "../../api/event-stream.ts";
import { type ConfigTexts, type EventList, PlanRequest, PruneRequest, type UnownedList } from "../../api/wire.ts";
import type { AdminViews } from "../views/admin-views.ts";
import { Bell, type EventSource } from "./event-source.ts";
import type { Followers } from "./followers.ts";
import { parseBody, parseCount, parseKind } from "./request.ts";

const SESSION_KEY_LENGTH_MAX = 512;

/** What anybody may see who may speak to the controller at all. */
export function viewRoutes(views: AdminViews, followers: Followers): Hono {
  const routes = new Hono();
  routes.get("/status", (context) => context.json(views.status()));
  routes.get("/history", (context) => context.json(views.history()));
  routes.get("/plan", async (context) => context.json(await views.plan(null)));
  routes.get("/explain", async (context) => {
    const sessionKey = context.req.query("session") ?? null;
    const agentId = context.req.query("agent") ?? null;
    const name = context.req.query("name") ?? null;
    if (sessionKey === null && agentId === null && name === null)
      throw new OperationError("InvalidArgument", "session, agent or name: expected at least one of them");
    for (const text of [sessionKey, agentId, name])
      if ((text?.length ?? 0) > SESSION_KEY_LENGTH_MAX) throw new OperationError("InvalidArgument", "session, agent, name: too long");
    return context.json(await views.explain({ sessionKey, agentId, name, kind: parseKind(context.req.query("kind")) }));
  });
  routes.get("/events", (context) => {
    const lastEventId = context.req.header("last-event-id");
    const after =
      lastEventId !== undefined && /^\d{1,15}$/.test(lastEventId)
        ? Number(lastEventId)
        : parseCount(context, "after", { fallback: 0, max: Number.MAX_SAFE_INTEGER });
    const name = context.req.query("sandbox");
    const object: SandboxEvent["object"] | undefined = name === undefined ? undefined : { kind: "Sandbox", name: toSandboxName(name) };
    if (context.req.header("accept")?.includes("text/event-stream") === true)
      return followers.follow(() => followEvents(views, after, object));
    const tail = parseCount(context, "tail", { fallback: EVENTS_MAX, max: EVENTS_MAX });
    const items = views.events.list(toFilter(after, object));
    const list: EventList = { items: items.slice(Math.max(0, items.length - tail)) };
    return context.json(list);
  });
  return routes;
}

/** What only the owner of the state folder may ask for. */
export function controlRoutes(views: AdminViews): Hono {
  const routes = new Hono();
  routes.post("/plan", async (context) => {
    const { config } = await parseBody(context, PlanRequest);
    return context.json(await views.plan(config === undefined ? null : toConfigSources(config)));
  });
  routes.get("/held", (context) => context.json(views.held()));
  routes.get("/audit", async (context) => context.json(await views.audit()));
  routes.get("/unowned", async (context) => {
    const list: UnownedList = { items: [...(await views.unowned())] };
    return context.json(list);
  });
  routes.get("/doctor", async (context) => context.json(await views.doctor()));
  routes.post("/prune", async (context) => context.json(await views.prune(await parseBody(context, PruneRequest))));
  return routes;
}

function toFilter(afterId: number, object: SandboxEvent["object"] | undefined): { afterId: number; object?: SandboxEvent["object"] } {
  return object === undefined ? { afterId } : { afterId, object };
}

/** As text that came from no file of the controller's: who could write it is not asked, since nothing is done with it. */
export function toConfigSources({ main, files }: ConfigTexts): ConfigSources {
  return { main, files: new Map(files.map(([path, file]) => [path, { kind: "text", access: [], ...file }])) };
}

/** The log itself is the queue: a slow reader is told what is still kept when it comes back for more. */
function followEvents(views: AdminViews, after: number, object: SandboxEvent["object"] | undefined): EventSource {
  const bell = new Bell();
  // An id that was never given is from a log that was lost: everything is new then.
  let lastId = after > views.events.lastId ? 0 : after;
  const stop = views.events.subscribe(views.events.lastId, () => bell.ring());
  const next = (): ServerSentEvent[] => {
    const events = views.events.list(toFilter(lastId, object));
    lastId = events.at(-1)?.id ?? lastId;
    return events.map((event) => ({ event: "event", data: event, id: event.id }));
  };
  return { bell, next, end: stop };
}
