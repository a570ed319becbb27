// Looks a name up in DNS, and connects to an address that was judged. Nothing here looks a name up a second time.
// Which names and addresses is judged before (api/egress/judge.ts).
import { Resolver } from "node:dns/promises";
import { connect, type Socket } from "node:net";
import { type IpAddress, parseAddress, renderAddress } from "../api/egress/ip-address.ts";

/** Both kinds of addresses, at most this many together: an answer of one packet has fewer. */
const ADDRESSES_MAX = 64;
const LOOKUP_MS = 2_000;
const LOOKUP_TRIES = 2;
/** Of one address; the next is tried after it. */
const CONNECT_MS_MAX = 10_000;
const CONNECT_TRIES_MAX = 4;
/** Routers forget idle connections earlier than this end does. */
const PROBE_AFTER_MS = 60_000;

/** All addresses of the name; empty: it has none. Rejects with a sentence where DNS does not answer. */
export type Resolve = (name: string) => Promise<readonly IpAddress[]>;

/** By the servers of /etc/resolv.conf, unless others are given (`address:port`). No hosts file, no search list: names are complete. */
export function createResolver(servers?: readonly string[]): Resolve {
  const resolver = new Resolver({ timeout: LOOKUP_MS, tries: LOOKUP_TRIES });
  if (servers !== undefined) resolver.setServers(servers);
  return async (name) => {
    const answers = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
    const texts = answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
    const failure = answers.map((answer) => (answer.status === "rejected" ? toFailure(answer.reason) : null)).find((code) => code !== null);
    // What one kind's server keeps to itself can't be dialled.
    if (texts.length === 0 && failure !== undefined) throw new Error(`DNS did not answer for ${name} (${failure})`);
    if (texts.length > ADDRESSES_MAX) throw new Error(`DNS has more than ${ADDRESSES_MAX} addresses for ${name}`);
    return texts.map(mustParse);
  };
}

/** Null where the answer is that there is none. */
function toFailure(reason: unknown): string | null {
  const code = reason instanceof Error && "code" in reason ? String(reason.code) : String(reason);
  return code === "ENODATA" || code === "ENOTFOUND" ? null : code;
}

function mustParse(text: string): IpAddress {
  const address = parseAddress(text);
  if (address === null) throw new Error(`DNS answered ${JSON.stringify(text)}, which is no address`);
  return address;
}

/** Rejects with a sentence where it can't be reached. Ends early, without a socket, when the signal is aborted. */
export type Dial = (address: IpAddress, port: number, signal: AbortSignal) => Promise<Socket>;

export const dialAddress: Dial = (address, port, signal) =>
  new Promise((resolve, reject) => {
    const host = renderAddress(address);
    const socket = connect({
      host,
      port,
      family: address.family,
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: PROBE_AFTER_MS,
    });
    const fail = (why: string): void => {
      socket.destroy();
      reject(new Error(`${host} did not accept a connection (${why})`));
    };
    const abort = (): void => fail("aborted");
    socket.setTimeout(CONNECT_MS_MAX, () => fail(`no answer in ${CONNECT_MS_MAX / 1_000} s`));
    socket.once("error", (error) => fail("code" in error ? String(error.code) : error.message));
    socket.once("close", () => signal.removeEventListener("abort", abort));
    socket.once("connect", () => {
      signal.removeEventListener("abort", abort);
      socket.setTimeout(0);
      socket.removeAllListeners("error").removeAllListeners("timeout");
      resolve(socket);
    });
    signal.addEventListener("abort", abort, { once: true });
    if (signal.aborted) abort();
  });

export interface Reached {
  readonly socket: Socket;
  readonly address: IpAddress;
}

/** One address after the other, IPv4 first: a container rarely has IPv6. @throws Error the last one's sentence */
export async function dialFirst(
  dial: Dial,
  { addresses, port }: { addresses: readonly IpAddress[]; port: number },
  signal: AbortSignal,
): Promise<Reached> {
  const ordered = addresses.toSorted((one, other) => one.family - other.family).slice(0, CONNECT_TRIES_MAX);
  let failure: unknown = new Error("there is no address");
  for (const address of ordered) {
    if (signal.aborted) break;
    try {
      return { socket: await dial(address, port, signal), address };
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}
