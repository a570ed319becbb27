import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { contains, parseAddress, parseCidr, renderAddress, renderCidr } from "./ip-address.ts";

const render = (text: string): string | null => {
  const address = parseAddress(text);
  return address === null ? null : renderAddress(address);
};

test.each([
  ["0.0.0.0", "0.0.0.0"],
  ["255.255.255.255", "255.255.255.255"],
  ["::", "::"],
  ["::1", "::1"],
  ["2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
  ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
  ["fe80::", "fe80::"],
  ["0:0:0:0:0:ffff:7f00:1", "::ffff:127.0.0.1"],
  ["::ffff:10.0.0.1", "::ffff:10.0.0.1"],
  ["64:ff9b::10.0.0.1", "64:ff9b::a00:1"],
  ["1::0:0:0:2:0", "1::2:0"],
])("the address %s is %s", (text, expected) => expect(render(text)).toBe(expected));

test.each([
  "",
  "1.2.3",
  "01.2.3.4",
  "0x7f.0.0.1",
  "1.2.3.256",
  "1.2.3.4.",
  "fe80::1%eth0",
  "::1::",
  "[::1]",
  "1:2:3:4:5:6:7:8:9",
  " 1.2.3.4",
])("%j is no address", (text) => expect(parseAddress(text)).toBeNull());

describe("a block", () => {
  it.each([
    ["10.0.0.0/8", "10.0.0.0/8"],
    ["10.1.2.3", "10.1.2.3"],
    ["10.1.2.3/32", "10.1.2.3"],
    ["0.0.0.0/0", "0.0.0.0/0"],
    ["FD00::/8", "fd00::/8"],
    ["::1/128", "::1"],
  ])("%s is %s", (text, expected) => {
    const parsed = parseCidr(text);
    expect(parsed.ok && renderCidr(parsed.value)).toBe(expected);
  });

  it.each([
    ["10.0.0.1/8", 'expected the block\'s first address: "10.0.0.0/8"'],
    ["10.0.0.0/33", 'expected a number from 0 to 32 after "/"'],
    ["10.0.0.0/08", 'expected a number from 0 to 32 after "/"'],
    ["10.0.0.0/", 'expected a number from 0 to 32 after "/"'],
    ["::/129", 'expected a number from 0 to 128 after "/"'],
    ["10.0.0.0/8/8", 'expected a block of addresses such as "10.0.0.0/8"'],
  ])("can't be %s", (text, message) => expect(parseCidr(text)).toEqual({ ok: false, message }));

  it("holds the addresses that begin as it does, of its own family alone", () => {
    const holds = (block: string, text: string): boolean => {
      const cidr = parseCidr(block);
      const address = parseAddress(text);
      if (!cidr.ok || address === null) throw new Error(`${block}, ${text}`);
      return contains(cidr.value, address);
    };
    expect(holds("172.16.0.0/12", "172.31.255.255")).toBe(true);
    expect(holds("172.16.0.0/12", "172.32.0.0")).toBe(false);
    expect(holds("0.0.0.0/0", "255.0.0.1")).toBe(true);
    // Node's BlockList says yes to both.
    expect(holds("::ffff:0:0/96", "8.8.8.8")).toBe(false);
    expect(holds("8.8.8.8/32", "::ffff:8.8.8.8")).toBe(false);
  });
});

test("an address that is rendered reads back as the same, in both families", () => {
  const addresses = fc.oneof(
    fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }).map((value) => ({ family: 4 as const, value })),
    fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }).map((value) => ({ family: 6 as const, value })),
    // Long runs of zeros, which are what is shortened.
    fc
      .array(fc.constantFrom(0n, 0n, 1n, 0xffffn), { minLength: 8, maxLength: 8 })
      .map((groups) => ({ family: 6 as const, value: groups.reduce<bigint>((sum, group) => sum * 0x1_0000n + group, 0n) })),
  );
  fc.assert(fc.property(addresses, (address) => void expect(parseAddress(renderAddress(address))).toEqual(address)));
});
