// Connects to a gateway for a conversation: as the owner of its state folder where his key can be read, so that an agent knows whom it serves; else with
// the gateway's secret. The key never goes to an address that a person typed.
import { findOwnerKey } from "../../api/store/gateway-files.ts";
import type { CliContext } from "../context.ts";
import { connectGateway, GatewayClient } from "../gateway-client.ts";
import { findGatewayAddress, type GatewayTarget, noGateway } from "../gateway-health.ts";
import { toStateDir } from "../paths.ts";

/** @throws OperationError as `connectGateway` */
export async function connectForChat(context: CliContext, options: GatewayTarget): Promise<GatewayClient> {
  const key = options.url === undefined && options.token === undefined ? await findKey(toStateDir(context, options)) : null;
  if (key === null) return await connectGateway(context, options);
  const url = await findGatewayAddress(context, options);
  if (url === null) throw noGateway(toStateDir(context, options));
  return new GatewayClient({ url, headers: { authorization: `Bearer ${key}` } });
}

/** null: this user may not read it, or a gateway was never here. */
const findKey = (stateDir: string): Promise<string | null> => findOwnerKey(stateDir).catch(() => null);

/** The session of an agent, or of a key: full, short, or an agent's id. */
export const toChatKey = ({ session, agent }: { session?: string; agent?: string }): string =>
  session === undefined
    ? agent === undefined
      ? "main"
      : `agent:${agent}:main`
    : agent === undefined || session.startsWith("agent:")
      ? session
      : `agent:${agent}:${session}`;
