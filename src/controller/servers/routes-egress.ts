// The routes for what a sandbox reaches: the log of decisions, each new one as it comes, and what would be decided for one URL. Where a sandbox connects
// to is as private as its workspace. What is kept is records/egress-log.ts.
import { Hono } from "hono";
import { z } from "zod";
import type { SandboxName } from "../../api/brands.ts";
import type { EgressLine, EgressTest } from "../../api/egress-log.ts";
import type { ServerSentEvent } from "../../api/event-stream.ts";
import type { EgressLog } from "../records/egress-log.ts";
import type { AdminViews } from "../views/admin-views.ts";
import { Bell, type EventSource } from "./event-source.ts";
import type { Followers } from "./followers.ts";
import { findSandbox, parseBody, parseCount } from "./request.ts";

const TAIL_USUAL = 200;
const TAIL_MAX = 10_000;
/** Of a slow reader; older ones are left out, and are in the file. */
const WAITING_MAX = 1_000;
const URL_LENGTH_MAX = 8_192;

const TestRequest = z.strictObject({ url: z.string().min(1).max(URL_LENGTH_MAX) });

export type KeptDecisions = Pick<EgressLog, "view" | "subscribe">;

export interface EgressService {
  log: KeptDecisions;
  test(name: SandboxName, url: string): Promise<EgressTest>;
}

/** For whoever sees what is in a workspace. */
export function egressLogRoutes(views: AdminViews, log: KeptDecisions, followers: Followers): Hono {
  const routes = new Hono();
  routes.get("/sandboxes/:name/egress/log", async (context) => {
    const { name } = findSandbox(views, context.req.param("name")).metadata;
    const tail = parseCount(context, "tail", { fallback: TAIL_USUAL, max: TAIL_MAX });
    if (context.req.header("accept")?.includes("text/event-stream") !== true) return context.json(await log.view(name, tail));
    const lastEventId = context.req.header("last-event-id") ?? "";
    const after = /^\d{1,15}$/.test(lastEventId) ? Number(lastEventId) : Number.POSITIVE_INFINITY;
    const missed = (await log.view(name, WAITING_MAX)).items.filter(({ time }) => time > after);
    return followers.follow(() => followLog(log, name, missed));
  });
  return routes;
}

/** For the owner of the state folder: a test has a name looked up. */
export function egressRoutes(views: AdminViews, { log, test }: EgressService, followers: Followers): Hono {
  const routes = egressLogRoutes(views, log, followers);
  routes.post("/sandboxes/:name/egress/test", async (context) => {
    const { name } = findSandbox(views, context.req.param("name")).metadata;
    const { url } = await parseBody(context, TestRequest);
    return context.json(await test(name, url));
  });
  return routes;
}

/** Its id is the time of a record: who comes back is told what came since. */
function followLog(log: KeptDecisions, name: SandboxName, missed: readonly EgressLine[]): EventSource {
  const bell = new Bell();
  let waiting = [...missed];
  const stop = log.subscribe(name, (line) => {
    waiting.push(line);
    if (waiting.length > WAITING_MAX) waiting.shift();
    bell.ring();
  });
  const next = (): ServerSentEvent[] => {
    const lines = waiting;
    waiting = [];
    return lines.map((line) => ({ event: "line", data: line, id: line.time }));
  };
  return { bell, next, end: stop };
}
