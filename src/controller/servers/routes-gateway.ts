// Routes for a gateway that sees nothing of the state folder but its own: its part of the config in force, and a copy of another gateway's database.
// What is in them is gateway-feed.ts's.

import { Hono } from "hono";
import type { GatewayConfigView } from "../../api/config/gateway-part.ts";
import type { ServerSentEvent } from "../../api/event-stream.ts";
import type { UpstreamCopy } from "../../api/wire.ts";
import type { GatewayFeed } from "../sources/gateway-feed.ts";
import { Bell, type EventSource } from "./event-source.ts";
import type { Followers } from "./followers.ts";

export function gatewayRoutes(feed: GatewayFeed, followers: Followers): Hono {
  const routes = new Hono();
  routes.get("/gateway-config/watch", async () => {
    const upstreamDatabase = await feed.upstreamDatabase();
    return followers.follow(() => followConfig(feed, upstreamDatabase));
  });
  routes.post("/upstream-state/copy", async ({ json }) => {
    const copied: UpstreamCopy = { copy: await feed.copyUpstreamDatabase() };
    return json(copied);
  });
  return routes;
}

/** `config` with a GatewayConfigView once the file was looked at, then whenever it is another one. */
function followConfig(feed: GatewayFeed, upstreamDatabase: string | null): EventSource {
  const bell = new Bell();
  let sent = "";
  const next = (): ServerSentEvent[] => {
    const config = feed.config();
    if (config === null) return [];
    const view: GatewayConfigView = { ...config, upstreamDatabase };
    const text = JSON.stringify(view);
    if (text === sent) return [];
    sent = text;
    return [{ event: "config", data: view }];
  };
  return { bell, next, end: feed.watch(() => bell.ring()) };
}
