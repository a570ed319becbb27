// What an IP address reveals about its user: whether it is this host, and which addresses belong to one subscriber. Pure.
// Which address a request comes from, behind proxies, is the gateway's.
import { isIP } from "node:net";

/** An address, not a name that looks like one. */
export const isLoopback = (address: string): boolean => isIP(address) !== 0 && (/^(::ffff:)?127\./.test(address) || address === "::1");

/** One subscriber has a whole /64 of IPv6. */
export const toNetwork = (address: string): string => (isV4(address) ? address : headOf(address, 4));

/** One organisation, or one customer of a provider of servers, has a whole /24 of IPv4 or /48 of IPv6. */
export const toSite = (address: string): string =>
  isV4(address) ? address.slice(0, Math.max(0, address.lastIndexOf("."))) : headOf(address, 3);

const isV4 = (address: string): boolean => !address.includes(":") || address.startsWith("::ffff:");

/** The first groups of an IPv6 address. */
function headOf(address: string, groupCount: number): string {
  const [head = "", tail = ""] = address.split("::");
  const groups = head.split(":");
  if (address.includes("::")) groups.push(...Array.from({ length: Math.max(0, 8 - groups.length - tail.split(":").length) }, () => "0"));
  return groups.slice(0, groupCount).join(":");
}
