// A one-time link that `openclaw dashboard` printed: its code is taken out of the address before anything else sees it, and pairs this browser's key.
// What is signed is api/gateway-protocol/device-proof.ts's.
import { renderPairProof } from "../../api/gateway-protocol/device-proof.ts";
import type { PAIR_FRAGMENT, PAIR_PATH, PairAnswer, PairBody } from "../../api/gateway-protocol/pair.ts";
import type { DeviceIdentity } from "./identity.ts";
import { CLIENT_ID, CLIENT_MODE } from "./introduce.ts";
import { GatewayError } from "./link.ts";

const PATH = "/pair" satisfies typeof PAIR_PATH;
const FRAGMENT = "pair" satisfies typeof PAIR_FRAGMENT;

/** The code of a link, which stands neither in the address nor in the history from then on. null: no link was opened */
export function takeLinkCode({ hash, pathname, search }: Location, history: History): string | null {
  const code = new URLSearchParams(hash.slice(1)).get(FRAGMENT);
  if (code !== null) history.replaceState(history.state, "", `${pathname}${search}`);
  return code;
}

export interface LinkPairing {
  code: string;
  identity: DeviceIdentity;
  platform: string;
  post(path: string, init: RequestInit): Promise<Response>;
  pause(ms: number): Promise<void>;
}

/** 16 s together. A network that changes takes every request with it, and nobody opens the link a second time. */
const WAITS_MS = [250, 500, 1_000, 2_000, 4_000, 8_000];

/** @throws GatewayError the code was used, has expired or is none; or the gateway is away */
export async function pairByLink(pairing: LinkPairing): Promise<PairAnswer> {
  for (const waitMs of WAITS_MS) {
    try {
      return await pairOnce(pairing);
    } catch (error) {
      if (!(error instanceof GatewayError && error.retryable)) throw error;
      await pairing.pause(waitMs);
    }
  }
  return await pairOnce(pairing);
}

async function pairOnce({ code, identity, platform, post }: LinkPairing): Promise<PairAnswer> {
  const signature = await identity.sign(renderPairProof(identity.id, code));
  const body: PairBody = {
    code,
    device: { id: identity.id, publicKey: identity.publicKey, signature },
    client: { id: CLIENT_ID, mode: CLIENT_MODE, platform, displayName: `Browser on ${platform}` },
  };
  const init = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  const answer = await post(PATH, init).catch((error: Error) => {
    throw new GatewayError({ code: "UNAVAILABLE", message: `the gateway does not answer: ${error.message}`, retryable: true });
  });
  const said = await answer.json().catch(() => ({}));
  if (answer.ok) return said;
  throw new GatewayError({
    code: "INVALID_REQUEST",
    message: said.detail ?? `the link was refused (${answer.status})`,
    details: { problem: said },
    retryable: said.retryable === true,
  });
}
