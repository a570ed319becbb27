import { describe, expect, it, test } from "vitest";
import { parseHost } from "./host.ts";
import { matchesHost, parseEgressRule, RULE_EXPECTED } from "./rule.ts";

describe("a rule has one normal form, which is a rule itself", () => {
  it.each([
    ["github.com", "github.com"],
    ["GitHub.com.", "github.com"],
    ["*.GitHub.com", "*.github.com"],
    ["github.com:22", "github.com:22"],
    ["*.example.com:8443", "*.example.com:8443"],
    ["bücher.example", "xn--bcher-kva.example"],
    ["10.0.0.0/8", "10.0.0.0/8"],
    ["10.0.0.0/8:5432", "10.0.0.0/8:5432"],
    ["10.1.2.3", "10.1.2.3"],
    ["10.1.2.3/32:80", "10.1.2.3:80"],
    ["::1", "::1"],
    ["FD00::/8", "fd00::/8"],
    ["[fd00::/8]:443", "[fd00::/8]:443"],
    ["[fd00::1]", "fd00::1"],
    ["[FD00::1]:22", "[fd00::1]:22"],
  ])("%s: %s", (text, expected) => {
    const rule = parseEgressRule(text);
    expect(rule.ok && rule.value.text).toBe(expected);
    expect(parseEgressRule(expected)).toEqual(rule);
  });
});

describe("a rule that can't be read says what to write", () => {
  it.each([
    ["https://github.com/a", 'expected a host, not a URL: "github.com"'],
    ["https://u:p@github.com", 'expected a host, not a URL: "github.com"'],
    ["github.com/openclaw", 'expected a host without a path: "github.com"'],
    ["*", '"*" would open everything: name the hosts, or domains such as "*.example.com"'],
    ["git*.com", 'expected "*" only at the beginning, as in "*.example.com"'],
    ["*.*.com", 'expected a domain after "*." such as "*.example.com"'],
    ["*.1.2.3", 'expected a domain after "*." such as "*.example.com"'],
    ["0x7f.1", 'expected a plain address: "127.0.0.1"'],
    ["010.0.0.1", 'expected a plain address: "8.0.0.1"'],
    ["10.0.0.1/8", 'expected the block\'s first address: "10.0.0.0/8"'],
    ["github.com:0", 'expected a port from 1 to 65535 after ":"'],
    ["github.com:https", 'expected a port from 1 to 65535 after ":"'],
    ["github.com:*", 'expected a port from 1 to 65535 after ":"'],
    ["github.com:", 'expected a port from 1 to 65535 after ":"'],
    ["github.com:70000", 'expected a port from 1 to 65535 after ":"'],
    ["", RULE_EXPECTED],
    [" github.com", RULE_EXPECTED],
    ["git hub.com", RULE_EXPECTED],
    ["user@github.com", RULE_EXPECTED],
    ["[github.com]:443", RULE_EXPECTED],
    ["[10.0.0.1]:443", RULE_EXPECTED],
    ["fe80::1%eth0", RULE_EXPECTED],
  ])("%j", (text, message) => expect(parseEgressRule(text)).toEqual({ ok: false, message }));
});

test.each([
  ["*.example.com", "a.example.com", true],
  ["*.example.com", "a.b.example.com", true],
  ["*.example.com", "example.com", false],
  ["*.example.com", "badexample.com", false],
  ["*.example.com", "example.com.evil.test", false],
  ["example.com", "www.example.com", false],
  ["example.com", "EXAMPLE.com.", true],
  ["10.0.0.0/8", "0xa.1", true],
  ["10.0.0.0/8", "a.example.com", false],
])("the rule %s and the host %s match: %s", (text, raw, expected) => {
  const rule = parseEgressRule(text);
  const host = parseHost(raw);
  expect(rule.ok && host.ok && matchesHost(rule.value, host.value)).toBe(expected);
});
