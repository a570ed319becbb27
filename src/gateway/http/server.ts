// Serves the HTTP door on TCP, with limits on time, size and number before anybody has shown a secret.
// What is served is app.ts.
import type { Duplex } from "node:stream";
import { createHttpServer, type HttpLimits } from "../../api/http-server.ts";
import { listenTcp, type TcpServer } from "../../api/listen-tcp.ts";
import type { GatewayApp } from "./app.ts";

const LIMITS: HttpLimits = {
  /** 256 tool calls, as many followers, and twice as many that only ask. */
  connectionsMax: 1_024,
  /** As much as tool calls and their followers need, and half of all: a proxy has one address for many. */
  connectionsPerAddressMax: 512,
  headerBytesMax: 16_384,
  /** Headers are sent in one packet; a request of 16 MiB over a slow line takes a minute. */
  headersMsMax: 5_000,
  requestMsMax: 60_000,
};
/** A long-lived client asks again; a connection that never ends is never looked at anew. */
const REQUESTS_PER_CONNECTION_MAX = 10_000;

/** No WebSocket is served here yet. Node has let go of the socket: its errors and its end are ours. */
function refuseUpgrade(socket: Duplex): void {
  socket.on("error", () => socket.destroy());
  socket.end("HTTP/1.1 426 Upgrade Required\r\nconnection: close\r\ncontent-length: 0\r\n\r\n", () => socket.destroy());
}

export interface GatewayServer extends TcpServer {
  connections(): number;
  /** Whatever is under way on them; new ones may come. */
  endConnections(): void;
}

/** @throws OperationError `HostRejected` */
export async function startGatewayServer(
  app: GatewayApp,
  { host, port }: { host: string | undefined; port: number },
): Promise<GatewayServer> {
  const server = createHttpServer(app.fetch, LIMITS);
  server.maxRequestsPerSocket = REQUESTS_PER_CONNECTION_MAX;
  let connections = 0;
  server.on("connection", (socket) => {
    connections += 1;
    socket.once("close", () => {
      connections -= 1;
    });
  });
  server.on("upgrade", (_, socket) => refuseUpgrade(socket));
  const bound = await listenTcp(server, { host, port, fix: "choose another one with --port or --bind" });
  return { ...bound, connections: () => connections, endConnections: () => server.closeAllConnections() };
}
