// IP addresses and CIDR blocks as numbers: parsing the one canonical form, rendering, containment. Pure.
// Other spellings of a host are host.ts; what a block means is special-addresses.ts.
import { isIPv4, isIPv6 } from "node:net";
import type { ValueOr } from "../config/values.ts";

export interface IpAddress {
  readonly family: 4 | 6;
  /** 32 or 128 bits. */
  readonly value: bigint;
}

/** All addresses that begin with the same bits. */
export interface Cidr {
  /** The first one: every bit after the prefix is 0. */
  readonly first: IpAddress;
  readonly prefixBits: number;
}

const BITS = { 4: 32, 6: 128 } as const;
const GROUPS = 8;

/** Four decimal numbers, or IPv6 without a zone; null for anything else, other spellings of the same address too. */
export function parseAddress(text: string): IpAddress | null {
  if (isIPv4(text)) return { family: 4, value: fromOctets(text) };
  // A zone names an interface of whoever connects.
  return isIPv6(text) && !text.includes("%") ? { family: 6, value: fromGroups(text) } : null;
}

const fromOctets = (text: string): bigint => text.split(".").reduce((sum, octet) => sum * 256n + BigInt(octet), 0n);

function fromGroups(text: string): bigint {
  const tail = /[^:]*\.[^:]*$/.exec(text)?.[0];
  const hex = tail === undefined ? text : text.slice(0, -tail.length) + toTwoGroups(fromOctets(tail));
  const [before = "", after] = hex.split("::");
  const toList = (part: string): string[] => (part === "" ? [] : part.split(":"));
  const left = toList(before);
  const right = toList(after ?? "");
  const groups = after === undefined ? left : [...left, ...Array<string>(GROUPS - left.length - right.length).fill("0"), ...right];
  return groups.reduce((sum, group) => sum * 0x1_0000n + BigInt(`0x${group}`), 0n);
}

const toTwoGroups = (value: bigint): string => `${(value >> 16n).toString(16)}:${(value & 0xffffn).toString(16)}`;

/** The one canonical form (RFC 5952); what holds an IPv4 address in IPv6's form for it shows it (`::ffff:1.2.3.4`). */
export function renderAddress({ family, value }: IpAddress): string {
  if (family === 4) return renderOctets(value);
  if (value >> 32n === 0xffffn) return `::ffff:${renderOctets(value & 0xffff_ffffn)}`;
  const groups = Array.from({ length: GROUPS }, (_, at) => (value >> BigInt(16 * (GROUPS - 1 - at))) & 0xffffn);
  const text = groups.map((group) => group.toString(16)).join(":");
  const longest = [...text.matchAll(/(?<![^:])0(?::0)+(?![^:])/g)].reduce<RegExpExecArray | null>(
    (best, run) => (best === null || run[0].length > best[0].length ? run : best),
    null,
  );
  if (longest === null) return text;
  return `${text.slice(0, longest.index).replace(/:$/, "")}::${text.slice(longest.index + longest[0].length).replace(/^:/, "")}`;
}

const renderOctets = (value: bigint): string => [24n, 16n, 8n, 0n].map((bits) => (value >> bits) & 0xffn).join(".");

/** `10.0.0.0/8`, `fd00::/8`, or one address, which is its own block. */
export function parseCidr(text: string): ValueOr<Cidr> {
  const [head = "", bits, ...rest] = text.split("/");
  const address = parseAddress(head);
  if (address === null || rest.length > 0) return { ok: false, message: 'expected a block of addresses such as "10.0.0.0/8"' };
  const bitsMax = BITS[address.family];
  const prefixBits = bits === undefined ? bitsMax : /^(?:0|[1-9]\d{0,2})$/.test(bits) ? Number(bits) : Number.NaN;
  if (!(prefixBits <= bitsMax)) return { ok: false, message: `expected a number from 0 to ${bitsMax} after "/"` };
  const cidr = toCidr(address, prefixBits);
  if (cidr.first.value === address.value) return { ok: true, value: cidr };
  return { ok: false, message: `expected the block's first address: "${renderCidr(cidr)}"` };
}

/** The block of that size which the address is in. */
export function toCidr(address: IpAddress, prefixBits: number): Cidr {
  const shift = BigInt(BITS[address.family] - prefixBits);
  return { first: { family: address.family, value: (address.value >> shift) << shift }, prefixBits };
}

export function renderCidr({ first, prefixBits }: Cidr): string {
  return prefixBits === BITS[first.family] ? renderAddress(first) : `${renderAddress(first)}/${prefixBits}`;
}

export const contains = ({ first, prefixBits }: Cidr, { family, value }: IpAddress): boolean =>
  family === first.family && (value ^ first.value) >> BigInt(BITS[family] - prefixBits) === 0n;

/** Whether every address of `inner` is one of `outer`. */
export const isWithin = (inner: Cidr, outer: Cidr): boolean => inner.prefixBits >= outer.prefixBits && contains(outer, inner.first);
