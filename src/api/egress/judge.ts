// Whether a sandbox may reach a destination, by which rule and why: first what was asked for, then every address that it may become. Pure.
// Who looks names up and dials what was judged is the program (src/egress).
import type { EgressJudgement, EgressReason, RuleReference } from "./decision.ts";
import { type Host, renderHost, renderTarget, type Target } from "./host.ts";
import { type Cidr, contains, type IpAddress, isWithin, parseCidr, renderAddress } from "./ip-address.ts";
import type { EgressPolicy, EgressSandbox } from "./policy.ts";
import { allowsPort, deniesPort, type EgressRule, matchesAddress, matchesHost, PORTS_USUAL, parseEgressRule } from "./rule.ts";
import { findSpecialBlock, type SpecialBlock, toCarriedAddresses } from "./special-addresses.ts";

/** What one sandbox may reach, parsed. */
export interface EgressList {
  readonly allow: readonly EgressRule[];
  readonly deny: readonly EgressRule[];
  readonly refused: readonly { readonly cidr: Cidr; readonly what: string }[];
}

/** @throws Error a text that the schema would have refused */
export function toEgressList(rules: EgressSandbox["rules"], refused: EgressPolicy["refused"]): EgressList {
  return {
    allow: rules.allow.map((text) => must(parseEgressRule(text))),
    deny: rules.deny.map((text) => must(parseEgressRule(text))),
    refused: refused.map(({ cidr, what }) => ({ cidr: must(parseCidr(cidr)), what })),
  };
}

function must<T>(parsed: { ok: true; value: T } | { ok: false; message: string }): T {
  if (!parsed.ok) throw new Error(parsed.message);
  return parsed.value;
}

/**
 * What can be said before a name is looked up. One that no rule names is not looked up at all: a question to DNS carries data out, too.
 * An address is judged completely.
 */
export function judgeTarget(list: EgressList, target: Target): EgressJudgement {
  const { host, port } = target;
  if (host.kind === "address") return judgeAddresses(list, target, [host.address]);
  const denied = find(list, "deny", (rule) => deniesPort(rule, port) && matchesHost(rule, host));
  if (denied !== null) return refuse("Denied", `the rule "${denied.text}" denies ${renderTarget(target)}`, denied);
  const allowed = find(list, "allow", (rule) => allowsPort(rule, port) && matchesHost(rule, host));
  if (allowed === null) return refuse("NotListed", explainNotListed(list, target));
  return { verdict: "allowed", reason: "Allowed", rule: allowed, message: `the rule "${allowed.text}" allows ${renderTarget(target)}` };
}

/**
 * The whole judgement. @param addresses all that the name was resolved to, or the one that is or would be dialled: one that is refused refuses them
 * all, since whoever answers with a good and a bad one hopes that the bad one is taken
 */
export function judgeAddresses(list: EgressList, target: Target, addresses: readonly IpAddress[]): EgressJudgement {
  const { host, port } = target;
  const asked = host.kind === "name" ? judgeTarget(list, target) : judgeLiteral(list, target, host.address);
  if (asked.verdict === "refused") return asked;
  if (addresses.length === 0) return refuse("NotResolved", `${renderHost(host)} has no address`);
  return addresses.map((address) => judgeAddress(list, { host, port, address })).find((judgement) => judgement !== null) ?? asked;
}

function judgeLiteral(list: EgressList, target: Target, address: IpAddress): EgressJudgement {
  // What no rule can open is said first: a person would look for the rule in vain.
  const never = findNever(list, address);
  if (never !== null) return refuse("ProtectedAddress", `${renderAddress(address)} is ${never}`);
  const denied = findDenied(list, { address, port: target.port });
  if (denied !== null) return refuse("Denied", `the rule "${denied.text}" denies ${renderTarget(target)}`, denied);
  const allowed = find(list, "allow", (rule) => allowsPort(rule, target.port) && matchesHost(rule, target.host));
  if (allowed !== null)
    return { verdict: "allowed", reason: "Allowed", rule: allowed, message: `the rule "${allowed.text}" allows ${renderTarget(target)}` };
  const special = findSpecialBlock(address);
  if (special !== null) return refuse("SpecialAddress", explainSpecial({ address, port: target.port, special }));
  return refuse("NotListed", explainNotListed(list, target));
}

interface Place {
  readonly address: IpAddress;
  readonly port: number;
}

/** Null: nothing is against it. */
function judgeAddress(list: EgressList, place: Place & { readonly host: Host }): EgressJudgement | null {
  const { address, port, host } = place;
  const subject = host.kind === "name" ? `${host.name} is ${renderAddress(address)}, and that is` : `${renderAddress(address)} is`;
  const never = findNever(list, address);
  if (never !== null) return refuse("ProtectedAddress", `${subject} ${never}`);
  const denied = findDenied(list, place);
  if (denied !== null) return refuse("Denied", `${subject} denied by the rule "${denied.text}"`, denied);
  for (const each of [address, ...toCarriedAddresses(address)]) {
    const special = findSpecialBlock(each);
    if (special !== null && !isOpened(list, { address: each, port }, special))
      return refuse("SpecialAddress", `${host.kind === "name" ? `${host.name}: ` : ""}${explainSpecial({ address: each, port, special })}`);
  }
  return null;
}

/** What it is, or what it carries, if that is what no rule opens. */
function findNever(list: EgressList, address: IpAddress): string | null {
  for (const each of [address, ...toCarriedAddresses(address)]) {
    const special = findSpecialBlock(each);
    const what = special?.isProxy === true ? special.what : list.refused.find(({ cidr }) => contains(cidr, each))?.what;
    if (what !== undefined) return `${what}${each === address ? "" : ` (${renderAddress(each)})`}: no rule opens it`;
  }
  return null;
}

function findDenied(list: EgressList, { address, port }: Place): RuleReference | null {
  const all = [address, ...toCarriedAddresses(address)];
  return find(list, "deny", (rule) => deniesPort(rule, port) && all.some((each) => matchesAddress(rule, each)));
}

/** Only by a block that lies within the special one: who writes 0.0.0.0/0 means the internet, not this network. */
const isOpened = (list: EgressList, { address, port }: Place, special: SpecialBlock): boolean =>
  list.allow.some(
    (rule) => rule.kind === "addresses" && allowsPort(rule, port) && matchesAddress(rule, address) && isWithin(rule.cidr, special.cidr),
  );

function find(list: EgressList, name: RuleReference["list"], matches: (rule: EgressRule) => boolean): RuleReference | null {
  const index = list[name].findIndex(matches);
  const rule = list[name][index];
  return rule === undefined ? null : { list: name, index, text: rule.text };
}

function refuse(reason: EgressReason, message: string, rule?: RuleReference): EgressJudgement {
  return { verdict: "refused", reason, message, ...(rule === undefined ? {} : { rule }) };
}

/** With what to write. */
function explainSpecial({ address, port, special }: Place & { special: SpecialBlock }): string {
  return `${renderAddress(address)} is ${special.what}: only a rule for addresses opens it, such as "${toBlockRule(address, port)}"`;
}

const toBlockRule = (address: IpAddress, port: number): string =>
  PORTS_USUAL.includes(port) ? renderAddress(address) : renderTarget({ host: { kind: "address", address }, port });

function explainNotListed(list: EgressList, { host, port }: Target): string {
  const otherPort = list.allow.find((rule) => matchesHost(rule, host));
  const named = renderTarget({ host, port });
  if (otherPort !== undefined) {
    const ports = otherPort.port === null ? "ports 80 and 443" : `port ${otherPort.port}`;
    return `the rule "${otherPort.text}" is for ${ports}; no rule allows ${named}`;
  }
  return `no rule allows ${PORTS_USUAL.includes(port) ? renderHost(host) : named}`;
}
