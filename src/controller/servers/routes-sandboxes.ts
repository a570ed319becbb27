// Routes that show sandboxes: list, one with its events, its setup's output, and every change as it happens. They read views only.
// Running something in a sandbox is command-socket.ts and routes-processes.ts.

import { Hono } from "hono";
import type { SandboxName } from "../../api/brands.ts";
import { OperationError, renderError } from "../../api/errors.ts";
import type { ServerSentEvent } from "../../api/event-stream.ts";
import type { Sandbox } from "../../api/sandbox.ts";
import type { NameView, SandboxChanged, SandboxDetail, SandboxList } from "../../api/wire.ts";
import type { AdminViews } from "../views/admin-views.ts";
import { Bell, type EventSource } from "./event-source.ts";
import type { Followers } from "./followers.ts";
import { findSandbox, parseCount } from "./request.ts";

const LOG_LINES_DEFAULT = 200;
const LOG_LINES_MAX = 10_000;

export function sandboxRoutes(views: AdminViews, followers: Followers): Hono {
  const routes = new Hono();
  routes.get("/sandboxes", (context) => {
    const isWanted = toKindFilter(context.req.query("kind") ?? "tools");
    const list: SandboxList = { items: views.sandboxes().filter(isWanted) };
    return context.json(list);
  });
  routes.get("/sandboxes/:name", (context) => {
    const sandbox = findSandbox(views, context.req.param("name"));
    const events = views.events.list({ object: { kind: "Sandbox", name: sandbox.metadata.name } });
    const detail: SandboxDetail = { sandbox, events: [...events] };
    return context.json(detail);
  });
  routes.get("/sandboxes/:name/logs", async (context) => {
    const { metadata } = findSandbox(views, context.req.param("name"));
    const tail = parseCount(context, "tail", { fallback: LOG_LINES_DEFAULT, max: LOG_LINES_MAX });
    return context.json(await views.logs(metadata.name, tail));
  });
  routes.get("/usage", async (context) => {
    const name = context.req.query("name");
    const isWanted = toKindFilter(context.req.query("kind") ?? "all");
    return context.json(await views.usage(name === undefined ? views.sandboxes().filter(isWanted) : [findSandbox(views, name)]));
  });
  routes.get("/names/:name", (context) => {
    const named = views.find(context.req.param("name"));
    const view: NameView =
      named.kind === "found"
        ? { sandbox: named.sandbox.metadata.name, scopeKey: named.sandbox.spec.scopeKey, message: "" }
        : { sandbox: null, scopeKey: named.scopeKey, message: renderError(named.error) };
    return context.json(view);
  });
  routes.get("/watch", () => followers.follow(() => watchSandboxes(views)));
  return routes;
}

function toKindFilter(kind: string): (sandbox: Sandbox) => boolean {
  switch (kind) {
    case "all":
      return () => true;
    case "tools":
    case "browser":
      return ({ spec }) => spec.kind === kind;
    default:
      throw new OperationError("InvalidArgument", "kind: expected tools, browser or all");
  }
}

/** Subscribes before it lists, so that no change falls between. Pending names are a set: as many as there are sandboxes, at most. */
function watchSandboxes(views: AdminViews): EventSource {
  const bell = new Bell();
  const changed = new Set<SandboxName>();
  const stop = views.watch((name) => {
    changed.add(name);
    bell.ring();
  });
  let listed = false;
  const next = (): ServerSentEvent[] => {
    if (!listed) {
      listed = true;
      changed.clear();
      const list: SandboxList = { items: [...views.sandboxes()] };
      return [{ event: "list", data: list }];
    }
    const names = [...changed];
    changed.clear();
    return names.map((name) => {
      const change: SandboxChanged = { name, sandbox: views.sandbox(name) };
      return { event: "changed", data: change };
    });
  };
  return { bell, next, end: stop };
}
