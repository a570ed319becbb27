// A gateway's socket for tests: the HTTP API of server.fixture.ts on a port of this host, with devices in a folder of their own and no controller.
// It asserts nothing.
import { randomBytes } from "node:crypto";
import { onTestFinished } from "vitest";
import { toEpochMs } from "../../api/brands.ts";
import { findOwnerKey } from "../../api/store/gateway-files.ts";
import { openServer, type Server, type ServerOptions } from "../http/server.fixture.ts";
import { startGatewayServer } from "../http/server.ts";
import { Sockets } from "./sockets.ts";
import { routeUpgrades } from "./view-sockets.ts";

export interface SocketServer extends Server {
  /** `ws://127.0.0.1:PORT` */
  url: string;
  sockets: Sockets;
  ownerKey: string;
  /** As JSON, with this secret; errors too. */
  http(
    path: string,
    secret: string,
    options?: { method?: string; json?: unknown },
  ): Promise<{ status: number; body: Record<string, unknown> }>;
}

export async function openSocketServer(options: ServerOptions = {}): Promise<SocketServer> {
  const server = await openServer(options);
  const { paired, handlers, broadcast, rules, clock } = server;
  const sockets = new Sockets({
    ...{
      ...paired,
      handlers,
      broadcast,
      meter: server.metrics,
      version: "0.1.0",
      now: () => toEpochMs(clock.at),
      uptimeMs: () => performance.now(),
    },
    ...{
      rules: () => rules,
      newNonce: () => randomBytes(32).toString("base64url"),
      say: options.say ?? ((text) => text),
      failed: () => undefined,
    },
  });
  const stopping = new AbortController();
  paired.devices.watch(stopping.signal);
  const upgrade = routeUpgrades({ sockets, views: server.browsing.views, rules: () => rules, say: options.say ?? ((text) => text) });
  const bound = await startGatewayServer(server.app, { host: "127.0.0.1", port: 0, upgrade });
  onTestFinished(async () => {
    stopping.abort();
    server.browsing.views.stop();
    await sockets.stop();
    await bound.close();
  });
  const http: SocketServer["http"] = async (path, secret, { method, json } = {}) => {
    const response = await fetch(`http://127.0.0.1:${bound.port}${path}`, {
      method: method ?? (json === undefined ? "GET" : "POST"),
      headers: { authorization: `Bearer ${secret}`, ...(json !== undefined && { "content-type": "application/json" }) },
      ...(json !== undefined && { body: JSON.stringify(json) }),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const ownerKey = (await findOwnerKey(server.stateDir)) ?? "";
  return { ...server, url: `ws://127.0.0.1:${bound.port}`, sockets, ownerKey, http };
}
