// Serves the HTTP door on TCP, with limits on time, size and number before anybody has shown a secret.
// What is served is app.ts.
import type { Server } from "node:http";
import { createAdaptorServer } from "@hono/node-server";
import { listenTcp, type TcpServer } from "../../api/listen-tcp.ts";
import type { GatewayApp } from "./app.ts";

/** 256 tool calls, as many followers, and twice as many that only ask. */
const CONNECTIONS_MAX = 1_024;
/** Headers are sent in one packet; a request of 16 MiB over a slow line takes a minute. */
const HEADERS_MS_MAX = 5_000;
const REQUEST_MS_MAX = 60_000;
/** Node looks for connections over their time this often. */
const CHECK_EACH_MS = 500;
const KEEP_ALIVE_MS = 65_000;
const HEADER_BYTES_MAX = 16_384;
/** A long-lived client asks again; a connection that never ends is never looked at anew. */
const REQUESTS_PER_CONNECTION_MAX = 10_000;

export interface GatewayServer extends TcpServer {
  connections(): number;
}

/** @throws OperationError `HostRejected` */
export async function startGatewayServer(
  app: GatewayApp,
  { host, port }: { host: string | undefined; port: number },
): Promise<GatewayServer> {
  const server = createAdaptorServer({
    fetch: app.fetch,
    overrideGlobalObjects: false,
    serverOptions: {
      headersTimeout: HEADERS_MS_MAX,
      requestTimeout: REQUEST_MS_MAX,
      connectionsCheckingInterval: CHECK_EACH_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      maxHeaderSize: HEADER_BYTES_MAX,
    },
  }) as Server;
  server.maxConnections = CONNECTIONS_MAX;
  server.maxRequestsPerSocket = REQUESTS_PER_CONNECTION_MAX;
  let connections = 0;
  server.on("connection", (socket) => {
    connections += 1;
    socket.once("close", () => {
      connections -= 1;
    });
  });
  // No WebSocket is served here yet.
  server.on("upgrade", (_, socket) => socket.end("HTTP/1.1 426 Upgrade Required\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"));
  const bound = await listenTcp(server, { host, port, fix: "choose another one with --port or --bind" });
  return { ...bound, connections: () => connections };
}
