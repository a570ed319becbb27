// Routes for detached processes of a sandbox: start, list, one, its log, its stdin, its end.
// What a detached process is, and where its state lives, is processes.ts.
import { type Context, Hono } from "hono";
import { MINUTE_MS, type SandboxName } from "../../api/brands.ts";
import { PROCESS_LOG_READ_BYTES_MAX, ProcessInput, ProcessKill, type ProcessList, ProcessStart } from "../../api/wire.ts";
import type { ProcessService, Reading } from "./processes.ts";
import { isLook, parseBody, parseCount } from "./request.ts";

const LOG_READ_BYTES_DEFAULT = 262_144;
const LOG_WAIT_MS_MAX = MINUTE_MS / 2;

/** Which sandbox the request is about, if it may be; `start` is what is to be started in it, null for everything else. */
export type ProcessTarget = (context: Context, start: ProcessStart | null) => SandboxName;

/** Routes below the path that names the sandbox. */
export function processRoutes(path: string, target: ProcessTarget, server: ProcessService): Hono {
  const routes = new Hono().basePath(path);
  const idOf = (context: Context): string => context.req.param("id") ?? "";
  /** Aborted when the caller has gone. */
  const goneOf = (context: Context): AbortSignal => context.req.raw.signal;
  const readingOf = (context: Context): Reading => ({ signal: goneOf(context), isLook: isLook(context) });
  routes.post("/processes", async (context) => {
    const start = await parseBody(context, ProcessStart);
    return context.json(await server.start(target(context, start), start, goneOf(context)));
  });
  routes.get("/processes", async (context) => {
    const list: ProcessList = { items: await server.list(target(context, null), readingOf(context)) };
    return context.json(list);
  });
  routes.get("/processes/:id", async (context) => context.json(await server.get(target(context, null), idOf(context), readingOf(context))));
  routes.delete("/processes/:id", async (context) =>
    context.json(await server.clear(target(context, null), idOf(context), goneOf(context))),
  );
  routes.get("/processes/:id/log", async (context) => {
    const offset = parseCount(context, "offset", { fallback: 0, max: Number.MAX_SAFE_INTEGER });
    const limit = parseCount(context, "limit", { fallback: LOG_READ_BYTES_DEFAULT, max: PROCESS_LOG_READ_BYTES_MAX });
    const waitMs = parseCount(context, "wait", { fallback: 0, max: LOG_WAIT_MS_MAX });
    return context.json(await server.readLog(target(context, null), idOf(context), { offset, limit, waitMs }, readingOf(context)));
  });
  routes.post("/processes/:id/stdin", async (context) => {
    const input = await parseBody(context, ProcessInput);
    return context.json(await server.write(target(context, null), idOf(context), input, goneOf(context)));
  });
  routes.post("/processes/:id/kill", async (context) => {
    const { signal } = await parseBody(context, ProcessKill);
    return context.json(await server.kill(target(context, null), idOf(context), signal, goneOf(context)));
  });
  return routes;
}
