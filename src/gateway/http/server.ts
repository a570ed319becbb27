// Serves the HTTP API on TCP, with limits on time, size and number that apply before a caller has authenticated.
// What is served is app.ts.
import { createHttpServer, type HttpLimits, refuseUpgrade, type Upgrade } from "../../api/http-server.ts";
import { listenTcp, type TcpServer } from "../../api/listen-tcp.ts";
import type { GatewayApp } from "./app.ts";

const LIMITS: HttpLimits = {
  /** 256 tool calls, as many followers, and twice as many that only ask. */
  connectionsMax: 1_024,
  /** Who has the secret shows it within milliseconds: a thousandth of those who ask for it in a second. */
  strangersMax: 256,
  /** As much as tool calls and their followers need, and half of all: a proxy has one address for many. */
  connectionsPerAddressMax: 512,
  headerBytesMax: 16_384,
  /** Headers are sent in one packet; a request of 16 MiB over a slow line takes a minute. */
  headersMsMax: 5_000,
  requestMsMax: 60_000,
  /** An answer to a stranger is a few KiB; a wrong secret's is held back for up to 4 s (auth.ts). */
  checkEachMs: 500,
  strangerMsMax: 10_000,
};
/** A long-lived client asks again; a connection that never ends is never looked at anew. */
const REQUESTS_PER_CONNECTION_MAX = 10_000;

/** Without a WebSocket there is nothing to upgrade to. */
const NO_UPGRADE = { status: "426 Upgrade Required", type: "text/plain", body: "" };

export interface GatewayServer extends TcpServer {
  connections(): number;
  /** Whatever is under way on them; new ones may come. */
  endConnections(): void;
}

/** @throws OperationError `HostRejected` */
export async function startGatewayServer(
  app: GatewayApp,
  { host, port, upgrade }: { host: string | undefined; port: number; upgrade?(upgrade: Upgrade): void },
): Promise<GatewayServer> {
  const server = createHttpServer({
    fetch: app.fetch,
    limits: LIMITS,
    upgrade: upgrade ?? (({ socket }) => refuseUpgrade(socket, NO_UPGRADE)),
  });
  server.maxRequestsPerSocket = REQUESTS_PER_CONNECTION_MAX;
  let connections = 0;
  server.on("connection", (socket) => {
    connections += 1;
    socket.once("close", () => {
      connections -= 1;
    });
  });
  const bound = await listenTcp(server, { host, port, fix: "choose another one with --port or --bind" });
  return { ...bound, connections: () => connections, endConnections: () => server.closeAllConnections() };
}
