import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { parseAuthority, parseHost, parseUrlTarget, renderHost, renderTarget } from "./host.ts";

const read = (raw: string): string => {
  const host = parseHost(raw);
  return host.ok ? `${host.value.kind} ${renderHost(host.value)}` : host.message;
};

describe("a host is read as the resolver of a C library would read it", () => {
  it.each([
    ["example.com", "name example.com"],
    ["EXAMPLE.Com", "name example.com"],
    ["example.com.", "name example.com"],
    ["_dmarc.example.com", "name _dmarc.example.com"],
    ["localhost", "name localhost"],
    ["bücher.example", "name xn--bcher-kva.example"],
    ["BÜCHER.example", "name xn--bcher-kva.example"],
    ["xn--bcher-kva.example", "name xn--bcher-kva.example"],
    ["example。com", "name example.com"],
    ["ｅｘａｍｐｌｅ.com", "name example.com"],
    ["1e1.example", "name 1e1.example"],
  ])("%s: %s", (raw, expected) => expect(read(raw)).toBe(expected));

  it.each([
    "127.0.0.1",
    "127.0.0.1.",
    "0x7f.1",
    "0X7F.0.0.1",
    "0x7f000001",
    "2130706433",
    "017700000001",
    "0177.0.0.01",
    "127.1",
    "127.0.1",
    "１２７.0.0.1",
    "①②⑦.0.0.1",
    "127。0。0。1",
  ])("%s is 127.0.0.1", (raw) => expect(read(raw)).toBe("address 127.0.0.1"));

  it.each([
    ["[::1]", "address ::1"],
    ["[::FFFF:127.0.0.1]", "address ::ffff:127.0.0.1"],
    ["010.0.0.1", "address 8.0.0.1"],
    ["0x", "address 0.0.0.0"],
    ["4294967295", "address 255.255.255.255"],
  ])("%s: %s", (raw, expected) => expect(read(raw)).toBe(expected));
});

describe("what is no host is refused, and nothing is guessed", () => {
  it.each([
    "",
    ".",
    "..",
    "example..com",
    ".example.com",
    "example.com..",
    "-a.example",
    "a-.example",
    `${"a".repeat(64)}.example`,
    `${"a.".repeat(127)}example`,
    "a b",
    "exa\u0000mple.com",
    "example.com\r\n",
    "example.com\t",
    "%65xample.com",
    "ex%61mple.com",
    "é%2e.com",
    "é/.com",
    "é@b.com",
    "a/b",
    "a\\b",
    "a#b",
    "a?b",
    "user@host",
    "127.0.0.256",
    "1.2.3.4.5",
    "4294967296",
    "08.0.0.1",
    "0x100000000",
    "a.1",
    "256.1",
    "[127.0.0.1]",
    "[::1",
    "[fe80::1%25eth0]",
    "[fe80::1%eth0]",
    "[]",
    "a".repeat(600),
  ])("%j", (raw) => expect(parseHost(raw).ok).toBe(false));
});

test("the normal form of a host is its own normal form", () => {
  fc.assert(
    fc.property(fc.oneof(fc.domain(), fc.string(), fc.ipV4Extended(), fc.string({ unit: "grapheme" })), (raw) => {
      const host = parseHost(raw);
      if (host.ok && host.value.kind === "name") expect(parseHost(renderHost(host.value))).toEqual(host);
    }),
  );
});

describe("a host with a port", () => {
  const readAuthority = (raw: string): string => {
    const target = parseAuthority(raw, 80);
    return target.ok ? renderTarget(target.value) : target.message;
  };

  it.each([
    ["example.com", "example.com:80"],
    ["example.com:", "example.com:80"],
    ["Example.com.:443", "example.com:443"],
    ["0x7f.1:8080", "127.0.0.1:8080"],
    ["[::1]:443", "[::1]:443"],
    ["[2001:DB8::1]", "[2001:db8::1]:80"],
    ["example.com:00443", "example.com:443"],
  ])("%s is %s", (raw, expected) => expect(readAuthority(raw)).toBe(expected));

  it.each([
    "a:0",
    "a:65536",
    "a:-1",
    "a:1e3",
    "a:443x",
    "a: 443",
    "a:4 43",
    ":80",
    "a:80:80",
    "::1",
    "::1:443",
    "u@a:80",
    "u:p@a:80",
    "[::1]x:80",
    "[::1]443",
  ])("can't be %j", (raw) => expect(parseAuthority(raw, 80).ok).toBe(false));

  it("must name its port where none is usual", () => {
    expect(parseAuthority("example.com", null)).toEqual({ ok: false, message: "the port is missing" });
  });
});

describe("a URL is split, not normalised", () => {
  it.each([
    ["http://0x7f.1/a?b#c", { scheme: "http", authority: "0x7f.1", path: "/a?b", port: 80 }],
    ["HTTPS://Example.com:8443", { scheme: "https", authority: "Example.com:8443", path: "/", port: 8443 }],
    ["http://a.example?x=/y", { scheme: "http", authority: "a.example", path: "/?x=/y", port: 80 }],
    ["http://a.example/%2e%2e/..//b", { scheme: "http", authority: "a.example", path: "/%2e%2e/..//b", port: 80 }],
  ])("%s", (url, parts) => expect(parseUrlTarget(url)).toMatchObject({ ok: true, value: parts }));

  it.each([
    "ftp://a.example/",
    "file:///etc/passwd",
    "//a.example/",
    "/a",
    "http:/a.example",
    "http:\\\\a.example",
    "http://",
    "http://a\\@b.example/",
  ])("can't be %s", (url) => expect(parseUrlTarget(url).ok).toBe(false));
});
