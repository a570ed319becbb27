// How a handshake ends: let in as somebody, or refused with an error in upstream's words and the reason of the close frame.
// Who is let in is handshake.ts's and device-handshake.ts's.
import type { ConnectRefusal } from "../../api/gateway-protocol/connect.ts";
import type { FrameError } from "../../api/gateway-protocol/frames.ts";
import type { Identity } from "../devices/identity.ts";
import type { AuthFailure } from "../http/auth.ts";

export type Handshake =
  /** `deviceToken`: for HTTP, of a device. `resume`: the event after which the client goes on. */
  { kind: "granted"; identity: Identity; deviceToken?: string; resume?: string } | { kind: "refused"; error: FrameError; reason: string };

const CODES: Partial<Record<ConnectRefusal, FrameError["code"]>> = {
  PROTOCOL_MISMATCH: "INVALID_REQUEST",
  PAIRING_REQUIRED: "NOT_PAIRED",
};

/** @param message the close frame's reason is what stands before its first colon */
export function refuse(code: ConnectRefusal, message: string, more: Record<string, unknown> = {}): Handshake {
  const reason = message.split(":")[0] ?? message;
  return { kind: "refused", error: { code: CODES[code] ?? "UNAUTHORIZED", message, details: { code, ...more } }, reason };
}

/** Of a secret that was shown, or was not. */
export function refuseSecret(failure: AuthFailure): Handshake {
  switch (failure) {
    case "missing":
      return refuse("AUTH_TOKEN_MISSING", "unauthorized: the gateway's token is missing; openclaw dashboard says where it is");
    case "limited":
      return refuse("AUTH_RATE_LIMITED", "unauthorized: too many wrong tokens from this address; try again in a minute");
    case "malformed":
    case "wrong":
      return refuse("AUTH_TOKEN_MISMATCH", "unauthorized: this is not the gateway's token; openclaw dashboard says where it is");
  }
}
