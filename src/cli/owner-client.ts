// Asks a gateway as the owner of its state folder, whose key proves that the command may decide about devices. The key never goes to an address
// that a person typed: whoever listens there would have it. How the gateway is asked is gateway-client.ts's.
import { OperationError } from "../api/errors.ts";
import { findOwnerKey, toOwnerKeyPath } from "../api/store/gateway-files.ts";
import type { CliContext } from "./context.ts";
import { GatewayClient } from "./gateway-client.ts";
import { findGatewayAddress, type GatewayTarget, noGateway } from "./gateway-health.ts";
import { toStateDir } from "./paths.ts";

export interface OwnerTarget extends GatewayTarget {
  /** Milliseconds until the gateway has answered. Absent: a minute. */
  timeout?: number;
}

/** @throws OperationError `InvalidArgument`, `HostRejected`; `GatewayUnreachable`: none was ever started here */
export async function connectAsOwner(context: CliContext, options: OwnerTarget): Promise<GatewayClient> {
  const stateDir = toStateDir(context, options);
  const url = await findGatewayAddress(context, options);
  if (url === null) throw noGateway(stateDir);
  const key = options.token ?? (await readOwnerKey(stateDir, options));
  return new GatewayClient({ url, headers: { authorization: `Bearer ${key}` } }, options.timeout);
}

async function readOwnerKey(stateDir: string, options: OwnerTarget): Promise<string> {
  if (options.url !== undefined)
    throw new OperationError("InvalidArgument", "--url needs --token: the key of this state folder is sent to its own gateway alone", {
      fix: "--token with the other gateway's owner key, or with the token of a device that has operator.pairing",
    });
  const key = await findOwnerKey(stateDir);
  if (key !== null) return key;
  throw new OperationError("HostRejected", `there is no ${toOwnerKeyPath(stateDir)}`, {
    fix: "start the gateway once on this state folder: openclaw start; --state-dir names another folder",
  });
}
