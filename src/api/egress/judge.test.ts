import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import type { EgressJudgement } from "./decision.ts";
import { parseAuthority } from "./host.ts";
import { type IpAddress, parseAddress, renderAddress } from "./ip-address.ts";
import { judgeAddresses, judgeTarget, toEgressList } from "./judge.ts";

const PUBLIC = "93.184.215.14";

interface Lists {
  readonly allow?: readonly string[];
  readonly deny?: readonly string[];
  readonly refused?: readonly { cidr: string; what: string }[];
}

const toList = ({ allow = [], deny = [], refused = [] }: Lists) => toEgressList({ allow: [...allow], deny: [...deny] }, [...refused]);

function toTarget(text: string) {
  const target = parseAuthority(text, 443);
  if (!target.ok) throw new Error(`${text}: ${target.message}`);
  return target.value;
}

function toAddress(text: string): IpAddress {
  const address = parseAddress(text);
  if (address === null) throw new Error(text);
  return address;
}

/** As the proxy does it: names by their answers, addresses by themselves. */
function judge(lists: Lists, asked: string, answers: readonly string[] = []): EgressJudgement {
  const target = toTarget(asked);
  const addresses = target.host.kind === "address" ? [target.host.address] : answers.map(toAddress);
  return judgeAddresses(toList(lists), target, addresses);
}

describe("a name", () => {
  it("is allowed by a rule that names it, with the usual ports or the one that the rule names", () => {
    const allow = ["github.com", "*.npmjs.example", "git.example:22"];
    expect(judge({ allow }, "GitHub.com.:443", [PUBLIC])).toEqual({
      verdict: "allowed",
      reason: "Allowed",
      rule: { list: "allow", index: 0, text: "github.com" },
      message: 'the rule "github.com" allows github.com:443',
    });
    expect(judge({ allow }, "github.com:80", [PUBLIC]).verdict).toBe("allowed");
    expect(judge({ allow }, "registry.npmjs.example", [PUBLIC]).rule?.index).toBe(1);
    expect(judge({ allow }, "git.example:22", [PUBLIC]).verdict).toBe("allowed");
  });

  it("is refused where no rule names it with this port, and told which rule is for another", () => {
    const allow = ["github.com", "git.example:22"];
    expect(judge({ allow }, "gitlab.com", [PUBLIC])).toEqual({
      verdict: "refused",
      reason: "NotListed",
      message: "no rule allows gitlab.com",
    });
    expect(judge({ allow }, "gitlab.com:22", [PUBLIC]).message).toBe("no rule allows gitlab.com:22");
    expect(judge({ allow }, "github.com:8443", [PUBLIC]).message).toBe(
      'the rule "github.com" is for ports 80 and 443; no rule allows github.com:8443',
    );
    expect(judge({ allow }, "git.example:443", [PUBLIC]).message).toBe(
      'the rule "git.example:22" is for port 22; no rule allows git.example:443',
    );
  });

  it("is refused by a rule that denies it, whatever allows it, on every port where none is named", () => {
    const allow = ["*.example.com", "a.example.com:8443"];
    const deny = ["a.example.com"];
    expect(judge({ allow, deny }, "b.example.com", [PUBLIC]).verdict).toBe("allowed");
    expect(judge({ allow, deny }, "a.example.com:8443", [PUBLIC])).toEqual({
      verdict: "refused",
      reason: "Denied",
      rule: { list: "deny", index: 0, text: "a.example.com" },
      message: 'the rule "a.example.com" denies a.example.com:8443',
    });
    expect(judge({ allow, deny: ["a.example.com:443"] }, "a.example.com:8443", [PUBLIC]).verdict).toBe("allowed");
  });

  it("is not looked up unless a rule names it, not even where blocks of addresses are allowed", () => {
    const list = toList({ allow: ["0.0.0.0/0", "::/0", "10.0.0.0/8"] });
    expect(judgeTarget(list, toTarget("secret-in-a-label.evil.example"))).toMatchObject({ verdict: "refused", reason: "NotListed" });
  });

  it("without an address is not resolved, which is something else than refused by a rule", () => {
    expect(judge({ allow: ["github.com"] }, "github.com", [])).toMatchObject({
      reason: "NotResolved",
      message: "github.com has no address",
    });
  });

  it("with one bad answer among good ones is refused", () => {
    for (const answers of [
      [PUBLIC, "10.0.0.1"],
      ["10.0.0.1", PUBLIC],
      [PUBLIC, "::1"],
      [PUBLIC, "2606:2800:21f::1", "fe80::1"],
    ])
      expect(judge({ allow: ["github.com"] }, "github.com", answers).verdict, answers.join()).toBe("refused");
  });

  it("that answers a private address needs a block that names it with the same port", () => {
    const name = "db.example:5432";
    expect(judge({ allow: [name] }, name, ["10.1.2.3"])).toEqual({
      verdict: "refused",
      reason: "SpecialAddress",
      message: 'db.example: 10.1.2.3 is a private address: only a rule for addresses opens it, such as "10.1.2.3:5432"',
    });
    expect(judge({ allow: [name, "10.1.0.0/16"] }, name, ["10.1.2.3"]).verdict).toBe("refused");
    expect(judge({ allow: [name, "10.1.0.0/16:5432"] }, name, ["10.1.2.3"])).toMatchObject({ verdict: "allowed", rule: { index: 0 } });
    expect(judge({ allow: [name, "10.1.0.0/16:5432"] }, name, ["10.2.2.3"]).verdict).toBe("refused");
  });

  it("whose address a rule denies is refused", () => {
    expect(judge({ allow: ["github.com"], deny: ["93.184.0.0/16"] }, "github.com", [PUBLIC])).toEqual({
      verdict: "refused",
      reason: "Denied",
      rule: { list: "deny", index: 0, text: "93.184.0.0/16" },
      message: `github.com is ${PUBLIC}, and that is denied by the rule "93.184.0.0/16"`,
    });
  });
});

const SPECIAL: readonly (readonly [string, string])[] = [
  ["10.0.0.1", "a private address"],
  ["172.16.0.1", "a private address"],
  ["172.31.255.255", "a private address"],
  ["192.168.1.1", "a private address"],
  ["100.64.0.1", "a carrier's internal address (CGNAT)"],
  ["100.100.100.200", "a cloud's metadata service"],
  ["169.254.1.1", "a link-local address"],
  ["169.254.169.254", "a cloud's metadata service"],
  ["168.63.129.16", "a cloud's metadata service"],
  ["192.0.0.1", "a reserved address"],
  ["192.0.2.1", "an address for documentation"],
  ["198.18.0.1", "a benchmark's address"],
  ["198.51.100.1", "an address for documentation"],
  ["203.0.113.1", "an address for documentation"],
  ["224.0.0.1", "a multicast address"],
  ["240.0.0.1", "a reserved address"],
  ["255.255.255.255", "a reserved address"],
  ["[fc00::1]", "a private address"],
  ["[fd00:ec2::254]", "a cloud's metadata service"],
  ["[fe80::1]", "a link-local address"],
  ["[fec0::1]", "a private address"],
  ["[ff02::1]", "a multicast address"],
  ["[::ffff:93.184.215.14]", "an IPv4 address in IPv6's form (mapped)"],
  ["[::93.184.215.14]", "an IPv4 address in IPv6's form (mapped)"],
  ["[64:ff9b::93.184.215.14]", "an IPv4 address in IPv6's form (NAT64)"],
  ["[64:ff9b:1::5db8:d70e]", "an IPv4 address in IPv6's form (NAT64)"],
  ["[2002:5db8:d70e::1]", "an IPv4 address in IPv6's form (6to4)"],
  ["[2001:0:5db8:d70e::a247:28f1]", "an IPv4 address in IPv6's form (Teredo)"],
  ["[2001:db8::1]", "an address for documentation"],
  ["[100::1]", "a reserved address"],
  ["[4000::1]", "a reserved address"],
];

describe("a special address", () => {
  it.each(SPECIAL)("%s is %s, and only a block within that opens it", (asked, what) => {
    const { host } = toTarget(asked);
    if (host.kind !== "address") throw new Error(asked);
    const everything = ["0.0.0.0/0", "::/0"];
    expect(judge({ allow: everything }, asked)).toMatchObject({ verdict: "refused", reason: "SpecialAddress" });
    expect(judge({ allow: everything }, asked).message).toContain(what);
    expect(judge({ allow: ["a.example", ...everything] }, "a.example", [renderAddress(host.address)]).verdict).toBe("refused");
    expect(judge({ allow: [renderAddress(host.address)] }, asked).verdict).toBe("allowed");
  });

  it("of a cloud's metadata service is not opened by the block around it", () => {
    expect(judge({ allow: ["169.254.0.0/16"] }, "169.254.169.254").verdict).toBe("refused");
    expect(judge({ allow: ["169.254.0.0/16"] }, "169.254.1.1").verdict).toBe("allowed");
    expect(judge({ allow: ["169.254.169.254"] }, "169.254.169.254").verdict).toBe("allowed");
  });

  it.each([
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",
    "0x7f.1",
    "2130706433",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
  ])("%s is the proxy's own: no rule opens it, however it is named", (asked) => {
    const allow = ["127.0.0.0/8", "0.0.0.0/8", "::1", "::", "::ffff:0:0/96", "64:ff9b::/96", "2002::/16", "127.0.0.1", "0.0.0.0"];
    expect(judge({ allow }, asked)).toMatchObject({ verdict: "refused", reason: "ProtectedAddress" });
    expect(judge({ allow: [...allow, "localhost"] }, "localhost", ["127.0.0.1"]).verdict).toBe("refused");
  });

  it("that carries a private one is refused though its own form is opened", () => {
    for (const asked of ["[64:ff9b::10.0.0.1]", "[::ffff:10.0.0.1]", "[2002:a00:1::]", "[64:ff9b:1:a00:0:100::]"]) {
      const allow = ["64:ff9b::/96", "::ffff:0:0/96", "2002::/16", "64:ff9b:1::/48"];
      expect(judge({ allow }, asked).verdict, asked).toBe("refused");
    }
  });
});

describe("what no rule opens", () => {
  const refused = [
    { cidr: "172.17.0.1", what: "the host" },
    { cidr: "93.184.215.0/24", what: "another sandbox" },
    { cidr: "fd00::1", what: "the engine" },
  ];

  it.each([
    ["172.17.0.1", "172.17.0.1 is the host: no rule opens it"],
    [PUBLIC, `${PUBLIC} is another sandbox: no rule opens it`],
    ["[fd00::1]", "fd00::1 is the engine: no rule opens it"],
    ["[::ffff:172.17.0.1]", "::ffff:172.17.0.1 is the host (172.17.0.1): no rule opens it"],
    ["[64:ff9b::172.17.0.1]", "64:ff9b::ac11:1 is the host (172.17.0.1): no rule opens it"],
  ])("%s is refused though a rule names it", (asked, message) => {
    const allow = ["172.16.0.0/12", "172.17.0.1", PUBLIC, "fd00::/8", "::ffff:0:0/96", "64:ff9b::/96"];
    expect(judge({ allow, refused }, asked)).toEqual({ verdict: "refused", reason: "ProtectedAddress", message });
  });

  it("is refused behind a name that is allowed", () => {
    expect(judge({ allow: ["a.example", "172.17.0.1"], refused }, "a.example", ["172.17.0.1"]).message).toBe(
      "a.example is 172.17.0.1, and that is the host: no rule opens it",
    );
  });
});

test("an empty list refuses everything", () => {
  for (const asked of ["github.com", PUBLIC, "[2606:2800::1]", "localhost"]) expect(judge({}, asked, [PUBLIC]).verdict).toBe("refused");
});

test("an address of the internet needs a rule that names it, too", () => {
  expect(judge({ allow: ["github.com"] }, PUBLIC)).toMatchObject({ reason: "NotListed", message: `no rule allows ${PUBLIC}` });
  expect(judge({ allow: ["93.184.0.0/16"] }, PUBLIC).verdict).toBe("allowed");
  expect(judge({ allow: ["0.0.0.0/0"] }, PUBLIC).verdict).toBe("allowed");
});

test("whatever a name answers: what is allowed are addresses of the internet alone, and none that was answered is bad", () => {
  const byte = fc.integer({ min: 0, max: 255 });
  const answer = fc.oneof(
    fc.tuple(fc.constantFrom(10, 127, 169, 172, 192, 100, 0, 224, 93, 8), byte, byte, byte).map((octets) => octets.join(".")),
    fc.constantFrom("::1", "fe80::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::1", "2606:2800::1", "fd00::1"),
  );
  const isBad = (text: string): boolean =>
    judge({ allow: ["0.0.0.0/0", "::/0"] }, text.includes(":") ? `[${text}]` : text).verdict === "refused";
  fc.assert(
    fc.property(fc.array(answer, { minLength: 1, maxLength: 4 }), (answers) => {
      const { verdict } = judge({ allow: ["rebind.example"] }, "rebind.example", answers);
      expect(verdict).toBe(answers.some(isBad) ? "refused" : "allowed");
    }),
    { numRuns: 2_000 },
  );
});
