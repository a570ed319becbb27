// An HTTP server over a function from request to response, with limits on time, size and number that hold before anybody has shown a secret.
// What is answered is the caller's; where it listens, listen-tcp.ts's.
import type { Server } from "node:http";
import { createAdaptorServer } from "@hono/node-server";

export interface HttpLimits {
  connectionsMax: number;
  /** Of the request line and all headers. */
  headerBytesMax: number;
  /** From the first byte to the end of the headers. */
  headersMsMax: number;
  /** From the first byte to the end of the body. */
  requestMsMax: number;
}

/** Node looks for connections over their time this often; its default of 30 s would be the limit otherwise. */
const CHECK_EACH_MS = 500;
/** Longer than the minute that proxies keep a connection. */
const KEEP_ALIVE_MS = 65_000;

export function createHttpServer(fetch: Parameters<typeof createAdaptorServer>[0]["fetch"], limits: HttpLimits): Server {
  const server = createAdaptorServer({
    fetch,
    overrideGlobalObjects: false,
    serverOptions: {
      headersTimeout: limits.headersMsMax,
      requestTimeout: limits.requestMsMax,
      connectionsCheckingInterval: CHECK_EACH_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      maxHeaderSize: limits.headerBytesMax,
    },
  }) as Server;
  server.maxConnections = limits.connectionsMax;
  return server;
}
