// Devices for tests: upstream's own client with a key of its own, and a raw connection that signs what it is told to. It asserts nothing.
import { once } from "node:events";
import { type DeviceIdentity, GatewayClient, type GatewayClientOptions } from "@openclaw/gateway-client";
import { onTestFinished } from "vitest";
import { WebSocket } from "ws";
import { z } from "zod";
import { makeSigner, type SigningDevice, signText } from "../../api/device-key.fixture.ts";
import { renderConnectProof } from "../../api/gateway-protocol/device-proof.ts";

export const Hello = z.looseObject({
  protocol: z.int(),
  features: z.object({ methods: z.array(z.string()), events: z.array(z.string()) }),
  auth: z.object({ scopes: z.array(z.string()), deviceToken: z.string().optional() }),
});
export type Hello = z.output<typeof Hello>;

export interface TestDevice extends SigningDevice {
  /** What the gateway gave it last. */
  token: string | null;
}

export const makeDevice = (): TestDevice => ({ ...makeSigner(), token: null });

/** Upstream's client as this device; not started. */
export function makeClient(device: TestDevice, options: GatewayClientOptions): GatewayClient {
  const identity: DeviceIdentity = { deviceId: device.id, privateKeyPem: "the test's", publicKeyPem: "the test's" };
  const client = new GatewayClient({
    ...options,
    deviceIdentity: identity,
    hostDeps: {
      signDevicePayload: (_pem, text) => signText(device, text),
      publicKeyRawBase64UrlFromPem: () => device.publicKey,
      loadDeviceAuthToken: () => (device.token === null ? null : { token: device.token, scopes: [] }),
      storeDeviceAuthToken: ({ token }) => {
        device.token = token;
      },
      clearDeviceAuthToken: () => {
        device.token = null;
      },
    },
  });
  onTestFinished(() => client.stopAndWait());
  return client;
}

export interface RawConnect {
  token?: string;
  scopes?: string[];
  role?: string;
  /** Changes what is sent after it was signed. */
  forge?(params: Record<string, unknown>, challenge: { nonce: string; ts: number }): void;
}

export interface RawConnection {
  socket: WebSocket;
  /** The answer to `connect`. */
  answer: Record<string, unknown>;
  /** How it ended. */
  closed: Promise<{ code: number; reason: string }>;
}

const Challenge = z.object({ payload: z.object({ nonce: z.string(), ts: z.int() }) });

/** What comes next. @throws Error the connection ended before it, as a killed gateway's does without another word */
export async function nextMessage(socket: WebSocket): Promise<string> {
  const heard = new AbortController();
  const closed = once(socket, "close", heard).then(([code]) => Promise.reject(new Error(`closed with ${code} before it answered`)));
  // Whoever is not waiting any more is not told.
  closed.catch(() => undefined);
  try {
    const [data] = await Promise.race([once(socket, "message", heard), closed]);
    return String(data);
  } finally {
    heard.abort();
  }
}

/** A connection of no library's that has said `connect` as this device, and what it was told. */
export async function connectRaw(url: string, device: TestDevice, options: RawConnect = {}): Promise<RawConnection> {
  const socket = new WebSocket(url);
  onTestFinished(() => socket.terminate());
  const closed = once(socket, "close").then(([code, reason]) => ({ code: Number(code), reason: String(reason) }));
  // Whoever looks at it is told; that a gateway was killed is nobody's failure otherwise.
  closed.catch(() => undefined);
  const challenge = Challenge.parse(JSON.parse(await nextMessage(socket))).payload;
  const { token, scopes = ["operator.read"], role = "operator", forge } = options;
  const client = { id: "test", version: "1", platform: "Linux", mode: "test" };
  const proof = renderConnectProof({
    ...{ deviceId: device.id, clientId: client.id, clientMode: client.mode, role, scopes, signedAt: challenge.ts },
    ...{ token: token ?? "", nonce: challenge.nonce, platform: client.platform, deviceFamily: "" },
  });
  const params: Record<string, unknown> = {
    ...{ minProtocol: 4, maxProtocol: 4, client, role, scopes, ...(token !== undefined && { auth: { token } }) },
    device: {
      id: device.id,
      publicKey: device.publicKey,
      signature: signText(device, proof),
      signedAt: challenge.ts,
      nonce: challenge.nonce,
    },
  };
  forge?.(params, challenge);
  socket.send(JSON.stringify({ type: "req", id: "connect", method: "connect", params }));
  const answer = await nextMessage(socket);
  return { socket, answer: z.record(z.string(), z.unknown()).parse(JSON.parse(answer)), closed };
}

export interface OwnerConnect {
  scopes?: string[];
  resume?: string;
  /** Each frame, from the first on. */
  onFrame?(frame: Record<string, unknown>): void;
}

/** A connection of no library's that showed the owner's key. */
export async function connectAsOwner(
  url: string,
  token: string,
  { scopes, resume, onFrame }: OwnerConnect = {},
): Promise<Omit<RawConnection, "closed">> {
  const socket = new WebSocket(url);
  onTestFinished(() => socket.terminate());
  const Frame = z.record(z.string(), z.unknown());
  const answer = new Promise<Record<string, unknown>>((resolve, reject) => {
    socket.once("close", (code) => reject(new Error(`closed with ${code} before it answered`)));
    socket.on("message", (data) => {
      const frame = Frame.parse(JSON.parse(String(data)));
      onFrame?.(frame);
      if (frame.type === "res" && frame.id === "connect") resolve(frame);
    });
  });
  answer.catch(() => undefined);
  await once(socket, "open");
  const client = { id: "test", version: "1", platform: "linux", mode: "test" };
  const params = {
    minProtocol: 4,
    maxProtocol: 4,
    client,
    scopes: scopes ?? ["operator.admin"],
    auth: { token },
    ...(resume !== undefined && { resume }),
  };
  socket.send(JSON.stringify({ type: "req", id: "connect", method: "connect", params }));
  return { socket, answer: await answer };
}
