// Which addresses are not the public internet's, by IANA's registries of special addresses, and which IPv4 address an IPv6 one carries. Pure.
// Whether a list opens one of them is judge.ts's.
import { type Cidr, contains, type IpAddress, parseCidr } from "./ip-address.ts";

export interface SpecialBlock {
  readonly cidr: Cidr;
  /** "a private address": what stands behind "10.0.0.1 is". */
  readonly what: string;
  /** The proxy's own: no rule opens it. */
  readonly isProxy: boolean;
}

/** Longer prefixes hold over shorter ones. IPv6 is special but for 2000::/3, from which addresses of the internet are given out. */
const BLOCKS: readonly SpecialBlock[] = [
  ...blocks("the proxy's own", true, "0.0.0.0/8", "127.0.0.0/8", "::", "::1"),
  ...blocks("a private address", false, "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fec0::/10"),
  ...blocks("a carrier's internal address (CGNAT)", false, "100.64.0.0/10"),
  ...blocks("a link-local address", false, "169.254.0.0/16", "fe80::/10"),
  // AWS (two for its IPv6 and containers), Google, Azure, Alibaba, Oracle. Azure's has the look of a public address.
  ...blocks("a cloud's metadata service", false, "169.254.169.254", "169.254.170.2", "169.254.170.23", "169.254.0.23", "fd00:ec2::254"),
  ...blocks("a cloud's metadata service", false, "fd00:ec2::23", "fd20:ce::254", "168.63.129.16", "100.100.100.200", "192.0.0.192"),
  ...blocks("a multicast address", false, "224.0.0.0/4", "ff00::/8"),
  ...blocks("a reserved address", false, "192.0.0.0/24", "192.88.99.0/24", "240.0.0.0/4", "::/3", "4000::/2", "8000::/1", "2001::/23"),
  ...blocks("a benchmark's address", false, "198.18.0.0/15"),
  ...blocks("an address for documentation", false, "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20"),
  ...blocks("an IPv4 address in IPv6's form (mapped)", false, "::ffff:0:0/96", "::ffff:0:0:0/96", "::/96"),
  ...blocks("an IPv4 address in IPv6's form (NAT64)", false, "64:ff9b::/96", "64:ff9b:1::/48"),
  ...blocks("an IPv4 address in IPv6's form (6to4)", false, "2002::/16"),
  ...blocks("an IPv4 address in IPv6's form (Teredo)", false, "2001::/32"),
];

function blocks(what: string, isProxy: boolean, ...texts: readonly string[]): SpecialBlock[] {
  return texts.map((text) => ({ cidr: mustParse(text), what, isProxy }));
}

/** Of this file's own texts. */
function mustParse(text: string): Cidr {
  const parsed = parseCidr(text);
  if (!parsed.ok) throw new Error(`${text}: ${parsed.message}`);
  return parsed.value;
}

/** The smallest special block that it is in; null for an address of the internet. */
export function findSpecialBlock(address: IpAddress): SpecialBlock | null {
  const found = BLOCKS.filter(({ cidr }) => contains(cidr, address));
  return found.reduce<SpecialBlock | null>(
    (best, block) => (best === null || block.cidr.prefixBits > best.cidr.prefixBits ? block : best),
    null,
  );
}

interface Carrier {
  readonly cidr: Cidr;
  /** The IPv4 addresses that a translator may read in it. */
  toCarried(value: bigint): readonly bigint[];
}

const LOW_32 = 0xffff_ffffn;
const lowest = (value: bigint): readonly bigint[] => [value & LOW_32];

const CARRIERS: readonly Carrier[] = [
  ...["::ffff:0:0/96", "::ffff:0:0:0/96", "::/96", "64:ff9b::/96"].map((text) => ({ cidr: mustParse(text), toCarried: lowest })),
  // By RFC 6052 a /48 has 16 bits before its octet of zeros and 16 behind it; networks use /96 of it as well. What is 0 in one form is in the other.
  {
    cidr: mustParse("64:ff9b:1::/48"),
    toCarried: (value) =>
      [value & LOW_32, (((value >> 64n) & 0xffffn) << 16n) | ((value >> 40n) & 0xffffn)].filter((carried) => carried >> 24n !== 0n),
  },
  { cidr: mustParse("2002::/16"), toCarried: (value) => [(value >> 80n) & LOW_32] },
  // The server's address, and the client's with every bit turned over.
  { cidr: mustParse("2001::/32"), toCarried: (value) => [(value >> 64n) & LOW_32, ~value & LOW_32] },
];

/** IPv4 addresses that a packet for this IPv6 address may end at; none for most. */
export function toCarriedAddresses(address: IpAddress): readonly IpAddress[] {
  if (address.family === 4) return [];
  return CARRIERS.filter(({ cidr }) => contains(cidr, address)).flatMap(({ toCarried }) =>
    toCarried(address.value).map((value): IpAddress => ({ family: 4, value })),
  );
}
