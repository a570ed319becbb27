// Where the gateway listens, by flag, environment and config, and whether it may: everyone who can reach it must need a secret. Pure.
// Binding is http/server.ts's.
import { isIP } from "node:net";
import { isLoopback } from "../../api/address.ts";
import type { BindAddress, GatewayConfig } from "../../api/config/config.ts";
import { OperationError } from "../../api/errors.ts";
import type { Credentials } from "./auth.ts";

export interface GivenAddress {
  /** `--bind`, else `OPENCLAW_GATEWAY_BIND`. null: neither. */
  bind: string | null;
  /** `--port`, else `OPENCLAW_GATEWAY_PORT`. null: neither. */
  port: string | null;
}

export interface ListenAddress {
  /** undefined: every address of the host. */
  host: string | undefined;
  port: number;
}

/** @throws OperationError `InvalidArgument` */
export function toListenAddress(config: Pick<GatewayConfig, "bind" | "port">, given: GivenAddress): ListenAddress {
  const port = given.port === null ? config.port : parsePort(given.port);
  return { host: toHost(given.bind === null ? config.bind : parseBind(given.bind)), port };
}

function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (port <= 65_535) return port;
  throw new OperationError("InvalidArgument", `${JSON.stringify(text)} is not a port`, {
    fix: "expected a number from 0 (any free one) to 65535",
  });
}

function parseBind(text: string): BindAddress {
  if (text === "loopback" || text === "lan") return { kind: text };
  const host = text.replace(/^\[(.*)\]$/, "$1");
  if (isIP(host) !== 0 || /^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/.test(host)) return { kind: "host", host };
  throw new OperationError("InvalidArgument", `${JSON.stringify(text)} is not an address to listen on`, {
    fix: "expected loopback, lan, or an address",
  });
}

function toHost(bind: BindAddress): string | undefined {
  switch (bind.kind) {
    case "loopback":
      return "127.0.0.1";
    case "lan":
      return undefined;
    case "host":
      return bind.host;
  }
}

/** @throws OperationError `InvalidConfig` */
export function refuseUnauthenticated(credentials: Credentials, { host }: ListenAddress): void {
  if (credentials.kind === "secret" || (host !== undefined && (isLoopback(host) || host === "localhost"))) return;
  throw new OperationError("InvalidConfig", "gateway.auth.mode is none, but other hosts could connect", {
    fix: 'set gateway.auth.mode to "token", or listen on loopback only (--bind loopback)',
  });
}
