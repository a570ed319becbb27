// What a host as a program wrote it means: a name in its one normal form, or an address in whatever spelling. Pure.
// URLs are split here too, since URL would have normalised the host before anybody could see it. What may be reached is judge.ts's.
import { domainToASCII } from "node:url";
import type { ValueOr } from "../config/values.ts";
import { type IpAddress, parseAddress, renderAddress } from "./ip-address.ts";

export type Host =
  /** Lower case, ASCII, without a dot at its end. */
  { readonly kind: "name"; readonly name: string } | { readonly kind: "address"; readonly address: IpAddress };

export interface Target {
  readonly host: Host;
  readonly port: number;
}

const NAME_LENGTH_MAX = 253;
/** Longer than any name in any spelling: an IDN of 253 bytes has fewer characters. */
const RAW_LENGTH_MAX = 512;
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;
const ADDRESS_PART = /^(?:0x[0-9a-f]*|[0-9]+)$/;
const PORT = /^[0-9]{1,5}$/;
export const PORT_MAX = 65_535;

const refuse = (message: string): { ok: false; message: string } => ({ ok: false, message });

/** @param raw of a request, a URL or a rule, untouched; IPv6 in brackets */
export function parseHost(raw: string): ValueOr<Host> {
  if (raw === "") return refuse("the host is missing");
  if (raw.length > RAW_LENGTH_MAX) return refuse("the host is longer than any name");
  if (raw.startsWith("[")) return parseBracketed(raw);
  const ascii = toAscii(raw);
  if (ascii === null) return refuse("the host is no name that DNS knows");
  const name = ascii.endsWith(".") ? ascii.slice(0, -1) : ascii;
  const labels = name.split(".");
  // As every resolver of a C library does: a last part that is a number makes all of it an address, or nothing.
  if (ADDRESS_PART.test(labels.at(-1) ?? "")) {
    const address = parseNumbers(labels);
    return address === null
      ? refuse("the host ends in a number, and is no IPv4 address")
      : { ok: true, value: { kind: "address", address } };
  }
  if (name.length > NAME_LENGTH_MAX) return refuse(`the host is longer than ${NAME_LENGTH_MAX} characters`);
  if (!labels.every((label) => LABEL.test(label))) return refuse("the host is no name that DNS knows");
  return { ok: true, value: { kind: "name", name } };
}

function parseBracketed(raw: string): ValueOr<Host> {
  const address = raw.endsWith("]") ? parseAddress(raw.slice(1, -1)) : null;
  if (address?.family !== 6) return refuse("the host in brackets is no IPv6 address, or has a zone");
  return { ok: true, value: { kind: "address", address } };
}

/** Null when it is none. What looks like letters or digits of ASCII becomes them, as in every browser. */
function toAscii(raw: string): string | null {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII is what is asked for
  if (/^[\u0000-\u007f]*$/.test(raw)) return raw.toLowerCase();
  // It would also read percent signs and what ends a host in a URL.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: controls are refused
  if (/[\u0000-\u0020%/\\?#@:<>^|[\]\u007f]/.test(raw)) return null;
  const ascii = domainToASCII(raw);
  return ascii === "" ? null : ascii;
}

/** The address that `inet_aton` reads: one to four numbers, decimal, octal or hexadecimal, the last of which fills what is left. */
function parseNumbers(parts: readonly string[]): IpAddress | null {
  if (parts.length > 4 || !parts.every((part) => ADDRESS_PART.test(part))) return null;
  const numbers = parts.map(toNumber);
  const last = numbers.at(-1) ?? null;
  const before = numbers.slice(0, -1);
  if (last === null || before.some((number) => number === null || number > 255n)) return null;
  const lastBits = BigInt(8 * (4 - before.length));
  if (last >= 1n << lastBits) return null;
  const head = before.reduce<bigint>((sum, number) => sum * 256n + (number ?? 0n), 0n);
  return { family: 4, value: (head << lastBits) | last };
}

/** Null for 08 and the like, which no two programs read alike. `0x` alone is 0. */
function toNumber(part: string): bigint | null {
  if (part.startsWith("0x")) return part === "0x" ? 0n : BigInt(part);
  if (part.length === 1 || !part.startsWith("0")) return BigInt(part);
  return /^[0-7]+$/.test(part) ? BigInt(`0o${part}`) : null;
}

/**
 * @param raw `host:port`, `[::1]:443`, or without a port where there is a usual one
 * @param portUsual null: it must be named
 */
export function parseAuthority(raw: string, portUsual: number | null): ValueOr<Target> {
  if (raw.includes("@")) return refuse("a user name is no part of a host");
  const [, hostText = "", portText] = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/s.exec(raw) ?? [];
  const host = parseHost(hostText);
  if (!host.ok) return host;
  const port = portText === undefined || portText === "" ? portUsual : PORT.test(portText) ? Number(portText) : 0;
  if (port === null) return refuse("the port is missing");
  if (port < 1 || port > PORT_MAX) return refuse(`the port is no number from 1 to ${PORT_MAX}`);
  return { ok: true, value: { host: host.value, port } };
}

const USUAL_PORTS: Readonly<Record<string, number>> = { http: 80, https: 443, ws: 80, wss: 443 };

export interface UrlTarget extends Target {
  /** In lower case. */
  readonly scheme: string;
  /** As it was written, user and port included. */
  readonly authority: string;
  /** What is behind it: a path and a query, never empty, no fragment. */
  readonly path: string;
}

/** Splits a URL, or a request's target in its absolute form, without normalising any of it. */
export function parseUrlTarget(raw: string): ValueOr<UrlTarget> {
  const [, scheme = "", authority = "", rest = ""] = /^([A-Za-z][A-Za-z0-9+.-]{0,15}):\/\/([^/?#]*)([^#]*)/s.exec(raw) ?? [];
  const portUsual = USUAL_PORTS[scheme.toLowerCase()];
  if (portUsual === undefined) return refuse("expected a URL that begins with http:// or https://");
  const target = parseAuthority(authority, portUsual);
  if (!target.ok) return target;
  return { ok: true, value: { ...target.value, scheme: scheme.toLowerCase(), authority, path: rest.startsWith("/") ? rest : `/${rest}` } };
}

/** As it stands in a rule, a certificate or a log. */
export const renderHost = (host: Host): string => (host.kind === "name" ? host.name : renderAddress(host.address));

export const renderTarget = ({ host, port }: Target): string => {
  const text = renderHost(host);
  return text.includes(":") ? `[${text}]:${port}` : `${text}:${port}`;
};
