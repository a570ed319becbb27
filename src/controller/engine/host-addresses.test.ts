// Addresses read from the kernel's tables, as a container in the host's network prints them.
import { expect, test } from "vitest";
import { findAddresses } from "./host-addresses.ts";

const TABLES = `Main:
  +-- 0.0.0.0/0 3 0 4
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 127.0.0.0/8 2 0 2
        +-- 127.0.0.0/31 1 0 0
           |-- 127.0.0.0
              /8 host LOCAL
           |-- 127.0.0.1
              /32 host LOCAL
        |-- 127.255.255.255
           /32 link BROADCAST
     +-- 192.0.2.0/24 2 0 2
           |-- 192.0.2.2
              /24 link UNICAST
              /32 host LOCAL
           |-- 192.0.2.255
              /32 link BROADCAST
Local:
           |-- 192.0.2.2
              /32 host LOCAL
fe8000000000000000424dfffe21494e 05 40 20 80  docker0
00000000000000000000000000000001 01 80 10 80       lo
`;

test("each address of the host is found once, also one that several networks have; networks and broadcasts are none", () => {
  expect(findAddresses(TABLES.replaceAll("\n", "\r\n"))).toEqual([
    "127.0.0.1",
    "192.0.2.2",
    "fe80:0000:0000:0000:0042:4dff:fe21:494e",
    "0000:0000:0000:0000:0000:0000:0000:0001",
  ]);
});

test("what is no table has no address", () => {
  expect(findAddresses("cat: /proc/net/fib_trie: No such file or directory\n")).toEqual([]);
});
