// What an IP address reveals about its user: whether it is this host, and which addresses belong to one subscriber. Pure.
// Which address a request comes from, behind proxies, is the gateway's.
import { isIP } from "node:net";

/** An address, not a name that looks like one. */
export const isLoopback = (address: string): boolean => isIP(address) !== 0 && (/^(::ffff:)?127\./.test(address) || address === "::1");

/** One subscriber has a whole /64 of IPv6. */
export function toNetwork(address: string): string {
  if (!address.includes(":") || address.startsWith("::ffff:")) return address;
  const [head = "", tail = ""] = address.split("::");
  const groups = head.split(":");
  if (address.includes("::")) groups.push(...Array.from({ length: Math.max(0, 8 - groups.length - tail.split(":").length) }, () => "0"));
  return groups.slice(0, 4).join(":");
}
