// Decides whether a `connect` is let in, and as whom: the protocol's version, the role, the owner's key, and else the device's own key
// (device-handshake.ts). The gateway's own secret, which opens HTTP, lets a device ask to be paired and does not open the socket.
import { type Challenge, ConnectParams } from "../../api/gateway-protocol/connect.ts";
import { PROTOCOL_VERSION } from "../../api/gateway-protocol/frames.ts";
import { SCOPES, toScopes } from "../../api/gateway-protocol/scopes.ts";
import { toPlainText } from "../../api/plain-issue.ts";
import type { Caller, Credentials } from "../http/auth.ts";
import { type DeviceHandshakeParts, judgeDevice } from "./device-handshake.ts";
import { type Handshake, refuse, refuseSecret } from "./refusal.ts";

export interface ConnectFacts {
  caller: Caller;
  challenge: Challenge;
  credentials: Credentials;
}

/** The scopes are those that are asked for, never more. @throws OperationError `HostRejected`: a request to pair can't be written */
export async function judgeConnect(given: unknown, facts: ConnectFacts, parts: DeviceHandshakeParts): Promise<Handshake> {
  const parsed = ConnectParams.safeParse(given, { error: toPlainText });
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const message = `invalid connect params: ${issue?.path.join(".") ?? ""}: ${issue?.message ?? "not valid"}`;
    return { kind: "refused", error: { code: "INVALID_REQUEST", message }, reason: "invalid connect params" };
  }
  const handshake = await judgeParams(parsed.data, facts, parts);
  const { resume } = parsed.data;
  return handshake.kind === "granted" && resume !== undefined ? { ...handshake, resume } : handshake;
}

async function judgeParams(params: ConnectParams, facts: ConnectFacts, parts: DeviceHandshakeParts): Promise<Handshake> {
  const { minProtocol, maxProtocol, role = "operator", scopes, auth, device } = params;
  if (minProtocol > PROTOCOL_VERSION || maxProtocol < PROTOCOL_VERSION)
    return refuse("PROTOCOL_MISMATCH", `protocol mismatch: this gateway speaks ${PROTOCOL_VERSION}`, {
      expectedProtocol: PROTOCOL_VERSION,
    });
  const asked = toScopes(scopes ?? ["operator.read"]);
  if (role !== "operator" || asked.length === 0)
    return refuse("AUTH_SCOPE_MISMATCH", `unauthorized: the role is operator, and its scopes are ${SCOPES.join(", ")}`);
  if (device !== undefined) return await judgeDevice({ ...facts, params, role, asked }, device, parts);
  const token = auth?.token ?? auth?.password ?? "";
  const header = token === "" ? undefined : `Bearer ${Buffer.from(token).toString("latin1")}`;
  const judged = await parts.identities.judge(facts.caller, header, facts.credentials);
  if (typeof judged === "string") return refuseSecret(judged);
  if (judged.kind === "owner") return { kind: "granted", identity: { kind: "owner", scopes: asked } };
  return refuse("DEVICE_IDENTITY_REQUIRED", "device identity required: the socket opens for paired devices, which sign their challenge");
}
