// Decides whether a request comes from where it may: the address behind trusted proxies, the name that it was sent to (DNS rebinding), the web
// page that made it (cross-site requests). Pure. Who it is, is auth.ts's.
import { BlockList, isIP } from "node:net";
import { isLoopback } from "../../api/address.ts";
import { OperationError } from "../../api/errors.ts";
import type { Caller } from "./auth.ts";

export interface OriginRules {
  /** Names besides addresses and localhost that the gateway is known by, lower case, without ports. */
  hosts: readonly string[];
  /** Origins of web pages besides the gateway's own, e.g. `https://claw.example.org`. */
  allowedOrigins: readonly string[];
}

/**
 * An attacker's page can point its own name at this address, but can't change that the browser sends that name: an address or a name of ours
 * was meant for us. @throws OperationError `Forbidden`
 */
export function checkHost(host: string | undefined, { hosts, allowedOrigins }: OriginRules): void {
  const name = toHostName(host);
  if (name !== null && (isIP(name) !== 0 || name === "localhost" || hosts.includes(name))) return;
  if (name !== null && allowedOrigins.some((origin) => URL.parse(origin)?.hostname === name)) return;
  throw new OperationError("Forbidden", "the Host header does not name this gateway", {
    fix: "use its address or localhost, or add https://NAME to gateway.controlUi.allowedOrigins",
  });
}

/** Only browsers send these headers, and scripts of a page can't change them. @throws OperationError `Forbidden` */
export function checkOrigin(
  { origin, host, site }: { origin: string | undefined; host: string | undefined; site: string | undefined },
  rules: OriginRules,
): void {
  if (origin === undefined) {
    // A page that embeds or links to us, without an Origin. `none` is a person who typed the address.
    if (site === undefined || site === "same-origin" || site === "none") return;
  } else if (origin === `http://${host}` || origin === `https://${host}` || rules.allowedOrigins.includes(origin.toLowerCase())) return;
  throw new OperationError("Forbidden", "requests from other web pages are refused", {
    fix: "add the page's origin to gateway.controlUi.allowedOrigins",
  });
}

/** Without port and brackets, lower case, without the dot of a fully qualified name. null: not a host at all. */
function toHostName(host: string | undefined): string | null {
  const [, bracketed, plain] = /^(?:\[([0-9a-fA-F:.]{2,45})\]|([a-zA-Z0-9._-]{1,253}))(?::\d{1,5})?$/.exec(host ?? "") ?? [];
  return bracketed ?? plain?.toLowerCase().replace(/\.$/, "") ?? null;
}

/** Addresses and networks, in one list that answers for both families. */
export function toBlockList(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = "", bits] = network.split("/");
    const family = isIP(address) === 6 ? "ipv6" : "ipv4";
    list.addSubnet(address, bits === undefined ? (family === "ipv6" ? 128 : 32) : Number(bits), family);
  }
  return list;
}

/** Strangers that a proxy on this host lets in without being trusted: for all of them together. */
const BEHIND_LOOPBACK = "behind a proxy";

/**
 * Whoever is not a trusted proxy may say anything in X-Forwarded-For: the last address that a trusted one wrote counts. What a proxy on this
 * host passes on is not from this host, though.
 */
export function toClientAddress(remote: string, forwardedFor: string | undefined, proxies: BlockList): string {
  let address = normalize(remote);
  if (forwardedFor !== undefined && isLoopback(address) && !isListed(proxies, address)) return BEHIND_LOOPBACK;
  for (const hop of (forwardedFor ?? "").split(",").toReversed()) {
    if (!isListed(proxies, address)) return address;
    const said = normalize(hop.trim());
    if (isIP(said) === 0) return address;
    address = said;
  }
  return address;
}

/** The same, and whether it is the address of a trusted proxy itself. */
export function toCaller(remote: string, forwardedFor: string | undefined, proxies: BlockList): Caller {
  const address = toClientAddress(remote, forwardedFor, proxies);
  return { address, isProxy: isListed(proxies, address) };
}

const normalize = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, "");
const isListed = (list: BlockList, address: string): boolean =>
  isIP(address) !== 0 && list.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
