// Decides whether a `connect` is let in, and with which scopes: the protocol's version, the owner's key, what is asked for. The key lies in the
// state folder: showing it proves access to that. The gateway's own secret, which opens HTTP, does not open the socket.
import { ConnectParams, type ConnectRefusal } from "../../api/gateway-protocol/connect.ts";
import { type FrameError, PROTOCOL_VERSION } from "../../api/gateway-protocol/frames.ts";
import { SCOPES, type Scope, toScopes } from "../../api/gateway-protocol/scopes.ts";
import { toPlainText } from "../../api/plain-issue.ts";
import type { AddressLimits, Caller } from "../http/auth.ts";

export type Handshake = { kind: "granted"; scopes: Scope[] } | { kind: "refused"; error: FrameError; reason: string };

export interface HandshakeParts {
  limits: Pick<AddressLimits, "judge">;
  ownerKey: string;
}

/** The scopes are those that are asked for, never more. */
export async function judgeConnect(given: unknown, caller: Caller, { limits, ownerKey }: HandshakeParts): Promise<Handshake> {
  const parsed = ConnectParams.safeParse(given, { error: toPlainText });
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const message = `invalid connect params: ${issue?.path.join(".") ?? ""}: ${issue?.message ?? "not valid"}`;
    return { kind: "refused", error: { code: "INVALID_REQUEST", message }, reason: "invalid connect params" };
  }
  const { minProtocol, maxProtocol, role = "operator", scopes, auth } = parsed.data;
  if (minProtocol > PROTOCOL_VERSION || maxProtocol < PROTOCOL_VERSION)
    return refuse("PROTOCOL_MISMATCH", `protocol mismatch: this gateway speaks ${PROTOCOL_VERSION}`, {
      expectedProtocol: PROTOCOL_VERSION,
    });
  const token = auth?.token ?? "";
  if (token === "")
    return refuse("AUTH_TOKEN_MISSING", "unauthorized: the socket needs the owner's key, gateway/owner-key in the state folder");
  const failure = await limits.judge(caller, `Bearer ${Buffer.from(token).toString("latin1")}`, {
    kind: "secret",
    mode: "token",
    secret: ownerKey,
  });
  if (failure === "limited")
    return refuse("AUTH_RATE_LIMITED", "unauthorized: too many wrong keys from this address; try again in a minute");
  if (failure !== null)
    return refuse("AUTH_TOKEN_MISMATCH", "unauthorized: this is not the owner's key, gateway/owner-key in the state folder");
  const asked = toScopes(scopes ?? ["operator.read"]);
  if (role !== "operator" || asked.length === 0)
    return refuse("AUTH_SCOPE_MISMATCH", `unauthorized: the role is operator, and its scopes are ${SCOPES.join(", ")}`);
  return { kind: "granted", scopes: asked };
}

function refuse(code: ConnectRefusal, message: string, more: Record<string, unknown> = {}): Handshake {
  const reason = message.split(":")[0] ?? message;
  const isMismatch = code === "PROTOCOL_MISMATCH";
  return {
    kind: "refused",
    error: { code: isMismatch ? "INVALID_REQUEST" : "UNAUTHORIZED", message, details: { code, ...more } },
    reason,
  };
}
