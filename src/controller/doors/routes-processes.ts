// Routes for detached processes of a sandbox: start, list, one, its log, its stdin, its end.
// What a detached process is, and where its state lives, is processes.ts.
import { Hono } from "hono";
import { MINUTE_MS } from "../../api/brands.ts";
import { PROCESS_LOG_READ_BYTES_MAX, ProcessInput, ProcessKill, type ProcessList, ProcessStart } from "../../api/wire.ts";
import type { AdminViews } from "./admin-views.ts";
import type { ProcessDoor } from "./processes.ts";
import { findSandbox, parseBody, parseCount } from "./request.ts";

const LOG_READ_BYTES_DEFAULT = 262_144;
const LOG_WAIT_MS_MAX = MINUTE_MS / 2;

export function processRoutes(views: AdminViews, door: ProcessDoor): Hono {
  const routes = new Hono();
  const nameOf = (name: string | undefined) => findSandbox(views, name).metadata.name;
  routes.post("/sandboxes/:name/processes", async (context) => {
    const name = nameOf(context.req.param("name"));
    return context.json(await door.start(name, await parseBody(context, ProcessStart)));
  });
  routes.get("/sandboxes/:name/processes", async (context) => {
    const list: ProcessList = { items: await door.list(nameOf(context.req.param("name"))) };
    return context.json(list);
  });
  routes.get("/sandboxes/:name/processes/:id", async (context) => {
    return context.json(await door.get(nameOf(context.req.param("name")), context.req.param("id")));
  });
  routes.get("/sandboxes/:name/processes/:id/log", async (context) => {
    const offset = parseCount(context, "offset", { fallback: 0, max: Number.MAX_SAFE_INTEGER });
    const limit = parseCount(context, "limit", { fallback: LOG_READ_BYTES_DEFAULT, max: PROCESS_LOG_READ_BYTES_MAX });
    const waitMs = parseCount(context, "wait", { fallback: 0, max: LOG_WAIT_MS_MAX });
    return context.json(await door.readLog(nameOf(context.req.param("name")), context.req.param("id"), { offset, limit, waitMs }));
  });
  routes.post("/sandboxes/:name/processes/:id/stdin", async (context) => {
    const input = await parseBody(context, ProcessInput);
    return context.json(await door.write(nameOf(context.req.param("name")), context.req.param("id"), input));
  });
  routes.post("/sandboxes/:name/processes/:id/kill", async (context) => {
    const { signal } = await parseBody(context, ProcessKill);
    return context.json(await door.kill(nameOf(context.req.param("name")), context.req.param("id"), signal));
  });
  return routes;
}
