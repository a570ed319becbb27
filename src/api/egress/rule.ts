// One entry of `sandbox.egress.allow` or `deny`: `host`, `*.domain`, `host:port` or a block of addresses. Parsing and matching, pure.
// Which of them wins, and what an address that no rule names is, judge.ts decides.
import type { ValueOr } from "../config/values.ts";
import { type Host, PORT_MAX, parseHost, renderHost } from "./host.ts";
import { type Cidr, contains, type IpAddress, parseCidr, renderCidr } from "./ip-address.ts";

export type EgressRule = {
  /** Its normal form: it parses to this very rule. */
  readonly text: string;
  /** Null: none was named. That is 80 and 443 where it allows, and every port where it denies. */
  readonly port: number | null;
} & (
  | { readonly kind: "host"; readonly name: string }
  /** Every name below the domain, not the domain itself. */
  | { readonly kind: "domain"; readonly domain: string }
  | { readonly kind: "addresses"; readonly cidr: Cidr }
);

export const PORTS_USUAL: readonly number[] = [80, 443];
export const RULE_EXPECTED =
  'expected a host such as "github.com", "*.example.com", "example.com:8443", or addresses such as "10.1.0.0/16"';
const RULE_LENGTH_MAX = 300;

const refuse = (message: string): { ok: false; message: string } => ({ ok: false, message });

/** The sentence names what to write instead, where that can be guessed. */
export function parseEgressRule(text: string): ValueOr<EgressRule> {
  if (text.length > RULE_LENGTH_MAX) return refuse(`expected at most ${RULE_LENGTH_MAX} characters`);
  const url = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]+)/i.exec(text)?.[1];
  if (url !== undefined) return refuse(`expected a host, not a URL: "${url.replace(/^.*@/, "")}"`);
  if (text === "*" || text === "*.") return refuse('"*" would open everything: name the hosts, or domains such as "*.example.com"');
  const parts = splitPort(text);
  if (parts === null) return refuse(RULE_EXPECTED);
  const port = parts.port === null ? null : toPort(parts.port);
  if (Number.isNaN(port)) return refuse(`expected a port from 1 to ${PORT_MAX} after ":"`);
  if (parts.head.includes("/")) return parseBlock(parts.head, port);
  return parts.head.startsWith("*.") ? parseDomain(parts.head.slice(2), port) : parseHostRule(parts.head, port);
}

/** `[fd00::/8]:443` and `[::1]:443` have brackets; without a port IPv6 may stand alone. */
function splitPort(text: string): { head: string; port: string | null } | null {
  const bracketed = /^\[([^[\]]*)\](?::([^:]*))?$/.exec(text);
  if (bracketed !== null) return bracketed[1]?.includes(":") ? { head: bracketed[1], port: bracketed[2] ?? null } : null;
  const [head = "", port, ...more] = text.split(":");
  return more.length > 0 ? { head: text, port: null } : { head, port: port ?? null };
}

function toPort(text: string): number {
  const port = /^[1-9]\d{0,4}$/.test(text) ? Number(text) : Number.NaN;
  return port <= PORT_MAX ? port : Number.NaN;
}

function parseBlock(text: string, port: number | null): ValueOr<EgressRule> {
  const cidr = parseCidr(text);
  if (!cidr.ok)
    return /^[^/]*[a-z]/i.test(text) && !text.includes(":") ? refuse(`expected a host without a path: "${text.split("/")[0]}"`) : cidr;
  return accept({ kind: "addresses", cidr: cidr.value }, port);
}

function parseDomain(text: string, port: number | null): ValueOr<EgressRule> {
  const host = parseHost(text);
  if (text.includes("*") || !host.ok || host.value.kind !== "name") return refuse('expected a domain after "*." such as "*.example.com"');
  return accept({ kind: "domain", domain: host.value.name }, port);
}

function parseHostRule(text: string, port: number | null): ValueOr<EgressRule> {
  if (text.includes("*")) return refuse('expected "*" only at the beginning, as in "*.example.com"');
  const host = parseHost(text.includes(":") ? `[${text}]` : text);
  if (!host.ok) return refuse(RULE_EXPECTED);
  if (host.value.kind === "name") return accept({ kind: "host", name: host.value.name }, port);
  const cidr = parseCidr(text);
  // 010.0.0.1 is 8.0.0.1 for a C library, and 10.0.0.1 for whoever reads the list.
  return cidr.ok ? accept({ kind: "addresses", cidr: cidr.value }, port) : refuse(`expected a plain address: "${renderHost(host.value)}"`);
}

type RuleBody =
  | { readonly kind: "host"; readonly name: string }
  | { readonly kind: "domain"; readonly domain: string }
  | { readonly kind: "addresses"; readonly cidr: Cidr };

function accept(body: RuleBody, port: number | null): ValueOr<EgressRule> {
  return { ok: true, value: { ...body, port, text: renderRule(body, port) } };
}

function renderRule(body: RuleBody, port: number | null): string {
  const head = body.kind === "host" ? body.name : body.kind === "domain" ? `*.${body.domain}` : renderCidr(body.cidr);
  if (port === null) return head;
  return head.includes(":") ? `[${head}]:${port}` : `${head}:${port}`;
}

/** Whether a rule that allows is about the port. */
export const allowsPort = ({ port: named }: EgressRule, port: number): boolean =>
  named === null ? PORTS_USUAL.includes(port) : named === port;

/** Whether a rule that denies is about the port. */
export const deniesPort = ({ port: named }: EgressRule, port: number): boolean => named === null || named === port;

/** By what was asked for: names match rules of names, addresses those of addresses. */
export function matchesHost(rule: EgressRule, host: Host): boolean {
  if (rule.kind === "addresses") return host.kind === "address" && contains(rule.cidr, host.address);
  if (host.kind === "address") return false;
  return rule.kind === "host" ? host.name === rule.name : host.name.endsWith(`.${rule.domain}`);
}

export const matchesAddress = (rule: EgressRule, address: IpAddress): boolean => rule.kind === "addresses" && contains(rule.cidr, address);
