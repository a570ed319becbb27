// An HTTP server over a function from request to response, with limits on time, size and number that hold before anybody has shown a secret.
// What is answered is the caller's; where it listens, listen-tcp.ts's.
import type { Server } from "node:http";
import { createAdaptorServer } from "@hono/node-server";
import { isLoopback, toNetwork } from "./address.ts";

export interface HttpLimits {
  connectionsMax: number;
  /** Of one address that is not this host's. */
  connectionsPerAddressMax: number;
  /** Of the request line and all headers. */
  headerBytesMax: number;
  /** From the first byte to the end of the headers; and from the connection to that byte. */
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
  hangUpOnTheSilent(server, limits.headersMsMax);
  boundPerAddress(server, limits.connectionsPerAddressMax);
  return server;
}

/** Node's own limits begin with the first byte: without it a connection would be there for ever. */
function hangUpOnTheSilent(server: Server, silenceMsMax: number): void {
  server.on("connection", (socket) => {
    const timer = setTimeout(() => void (socket.bytesRead === 0 && socket.destroy()), silenceMsMax).unref();
    socket.once("close", () => clearTimeout(timer));
  });
}

/** Nobody holds all connections alone. */
function boundPerAddress(server: Server, countMax: number): void {
  const counts = new Map<string, number>();
  server.on("connection", (socket) => {
    const address = socket.remoteAddress ?? "";
    if (isLoopback(address)) return;
    const network = toNetwork(address);
    const count = (counts.get(network) ?? 0) + 1;
    if (count > countMax) return void socket.destroy();
    counts.set(network, count);
    socket.once("close", () => {
      const left = (counts.get(network) ?? 0) - 1;
      if (left > 0) counts.set(network, left);
      else counts.delete(network);
    });
  });
}
