// Binds an HTTP server to a TCP address, with a readable error when that fails.
// What the server does, and its limits, are the caller's.
import type { Server } from "node:http";
import { errnoOf } from "./errno.ts";
import { OperationError } from "./errors.ts";

export interface TcpServer {
  host: string;
  /** The one that was bound, also where 0 was asked for. */
  port: number;
  /** Ends open connections too. */
  close(): Promise<void>;
}

export interface TcpAddress {
  /** undefined: every address. */
  host: string | undefined;
  /** 0: any free one. */
  port: number;
  /** How a person asks for another address. */
  fix: string;
}

const BIND_WORDS: Readonly<Record<string, string>> = {
  EADDRINUSE: "the port is already in use",
  EACCES: "this user may not use the port",
  EADDRNOTAVAIL: "the address does not belong to this host",
  ENOTFOUND: "the host name is unknown",
};

/** @throws OperationError `HostRejected` (taken, forbidden, not of this host) */
export async function listenTcp(server: Server, { host, port, fix }: TcpAddress): Promise<TcpServer> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) => {
      const reason = BIND_WORDS[errnoOf(cause)] ?? cause.message;
      const shown = host === undefined ? "" : host.includes(":") ? `[${host}]` : host;
      reject(new OperationError("HostRejected", `cannot listen on ${shown}:${port}: ${reason}`, { cause, fix }));
    });
    server.listen({ host, port }, () => resolve());
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("a bound TCP server has an address");
  return { host: address.address, port: address.port, close: () => close(server) };
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
