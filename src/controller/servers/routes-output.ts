// The route for what is printed in a sandbox: what is kept of it, and each new line as it comes. For the owner of the state folder only: what commands
// print is as private as the workspace. What is kept is records/output-log.ts.
import { Hono } from "hono";
import type { SandboxName } from "../../api/brands.ts";
import type { ServerSentEvent } from "../../api/event-stream.ts";
import type { OutputLog } from "../records/output-log.ts";
import type { AdminViews } from "../views/admin-views.ts";
import { Bell, type EventSource } from "./event-source.ts";
import type { Followers } from "./followers.ts";
import { findSandbox, parseCount } from "./request.ts";

export function outputRoutes(views: AdminViews, output: OutputLog, followers: Followers): Hono {
  const routes = new Hono();
  routes.get("/sandboxes/:name/output", (context) => {
    const { name } = findSandbox(views, context.req.param("name")).metadata;
    const lastEventId = context.req.header("last-event-id") ?? "";
    const after = /^\d{1,15}$/.test(lastEventId)
      ? Number(lastEventId)
      : parseCount(context, "after", { fallback: 0, max: Number.MAX_SAFE_INTEGER });
    if (context.req.header("accept")?.includes("text/event-stream") !== true) return context.json(output.list(name, after));
    return followers.follow(() => followOutput(output, name, after));
  });
  return routes;
}

/** The ring itself is the queue: a slow reader is told what is still kept when it comes back for more. */
function followOutput(output: OutputLog, name: SandboxName, after: number): EventSource {
  const bell = new Bell();
  let lastId = after;
  const stop = output.subscribe(name, () => bell.ring());
  const next = (): ServerSentEvent[] => {
    const { items } = output.list(name, lastId);
    lastId = items.at(-1)?.id ?? lastId;
    return items.map((line) => ({ event: "line", data: line, id: line.id }));
  };
  return { bell, next, end: stop };
}
