// One CONNECT tunnel: bytes both ways, once TLS inside it, where there is any, asks for the very name that CONNECT did.
// What is behind the ClientHello is not seen. Whether the tunnel may be opened is judged before.
import type { Socket } from "node:net";
import { SECOND_MS, toDurationMs } from "../api/brands.ts";
import type { Clock } from "../api/clock.ts";
import { type Host, parseHost, renderHost } from "../api/egress/host.ts";
import { toSafeLine } from "../api/safe-text.ts";
import { type Bandwidth, forward } from "./bandwidth.ts";
import { type FirstBytes, readFirstBytes } from "./client-hello.ts";

/** From its first byte; a client that waits for the server to speak first is not waited for. */
const HELLO_MS_MAX = toDurationMs(10 * SECOND_MS);
/** A ClientHello comes in one to three. */
const PIECES_MAX = 64;
const NAME_SHOWN_MAX = 100;

interface Beginning {
  readonly first: FirstBytes;
  readonly bytes: Buffer;
  readonly isEnded: boolean;
}

/** What the client sends first. It stands still then, and nothing of it was passed on. */
function readBeginning(client: Socket, head: Buffer, clock: Clock): Promise<Beginning> {
  return new Promise((resolve) => {
    let bytes = Buffer.alloc(0);
    let pieces = 0;
    let stopTimer: (() => void) | null = null;
    const decide = (first: FirstBytes, isEnded = false): void => {
      stopTimer?.();
      client.pause();
      client.off("data", read).off("end", end);
      resolve({ first, bytes, isEnded });
    };
    const read = (piece: Buffer): void => {
      bytes = Buffer.concat([bytes, piece]);
      pieces += 1;
      const first = readFirstBytes(bytes);
      if (first.kind !== "more") decide(first);
      else if (pieces >= PIECES_MAX) decide({ kind: "invalid", message: `the ClientHello comes in more than ${PIECES_MAX} pieces` });
      else
        stopTimer ??= clock.setTimer(HELLO_MS_MAX, () =>
          decide({ kind: "invalid", message: `the ClientHello takes more than ${HELLO_MS_MAX / SECOND_MS} s` }),
        );
    };
    const end = (): void =>
      decide(bytes.length === 0 ? { kind: "other" } : { kind: "invalid", message: "the ClientHello has no end" }, true);
    client.on("data", read).once("end", end);
    if (head.length > 0) client.unshift(head);
    client.resume();
  });
}

/** A sentence, or null where the name is right or none is needed. */
export function findWrongName(first: FirstBytes, host: Host): string | null {
  if (first.kind === "invalid") return `TLS in the tunnel can't be read: ${first.message}`;
  if (first.kind !== "hello") return null;
  // RFC 6066 has no addresses there.
  if (first.serverName === null) return host.kind === "address" ? null : `TLS in the tunnel to ${renderHost(host)} asks for no name (SNI)`;
  const shown = JSON.stringify(toSafeLine(first.serverName.slice(0, NAME_SHOWN_MAX)));
  const name = parseHost(first.serverName.includes(":") ? `[${first.serverName}]` : first.serverName);
  const isSame = name.ok && name.value.kind === host.kind && renderHost(name.value) === renderHost(host);
  return isSame ? null : `TLS in the tunnel to ${renderHost(host)} asks for ${shown} (SNI)`;
}

export interface Tunnel {
  /** Connected to the sandbox's program; has been told so. */
  readonly client: Socket;
  /** What the program sent behind its request. */
  readonly head: Buffer;
  readonly upstream: Socket;
  readonly host: Host;
  readonly bandwidth: Bandwidth;
  readonly clock: Clock;
}

/** @returns what was wrong with the name; null: the bytes flow, until either end closes. Errors close both. */
export async function openTunnel({ client, head, upstream, host, bandwidth, clock }: Tunnel): Promise<string | null> {
  forward({ source: upstream, sink: client, bandwidth, clock });
  const { first, bytes, isEnded } = await readBeginning(client, head, clock);
  const wrong = findWrongName(first, host);
  if (wrong !== null) return wrong;
  if (isEnded) upstream.end(bytes);
  else {
    if (bytes.length > 0) client.unshift(bytes);
    forward({ source: client, sink: upstream, bandwidth, clock });
  }
  return null;
}

/** Neither end outlives the other, and no error of either ends the process. */
export function joinEnds(client: Socket, upstream: Socket): void {
  for (const [one, other] of [
    [client, upstream],
    [upstream, client],
  ] as const) {
    one.on("error", () => other.destroy());
    one.once("close", () => other.destroy());
  }
}
