// The document for the proxy: who is in it, under which user, in which order.
import { expect, test } from "vitest";
import { toContainerId, toSandboxName, toSandboxUid } from "../../api/brands.ts";
import { EgressPolicy } from "../../api/egress/policy.ts";
import type { ListedRelay } from "../engine/egress-engine.ts";
import { digestOf, toLists, userIdOf } from "./policy.ts";

const UIDS = ["1b4e28ba-2fa1-41d2-883f-0016d3cca427", "0a4e28ba-2fa1-41d2-883f-0016d3cca428"] as const;

const relayOf = (uid: string, name: string, state: ListedRelay["state"] = "running"): ListedRelay => ({
  id: toContainerId(uid),
  uid: toSandboxUid(uid),
  name: toSandboxName(name),
  actualName: `${name}-egress-${uid.slice(0, 8)}`,
  state,
});

const EGRESS = { allow: ["example.com"], deny: ["*.bad.example"], log: "all", connections: 7, bandwidth: 1_000_000 } as const;
const BLOCKS = [{ cidr: "172.17.0.1/32", what: "the host" }];
const listsOf = (relays: readonly ListedRelay[], egressOf: Parameters<typeof toLists>[0]["egressOf"] = () => EGRESS) =>
  toLists({ relays, egressOf, protectedBlocks: BLOCKS, mapped: false });

test("the document is one that the proxy takes, and the same facts in another order are the same document", () => {
  const [a, b] = [relayOf(UIDS[0], "a"), relayOf(UIDS[1], "b")];
  expect(EgressPolicy.safeParse({ version: 1, generation: 1, ...listsOf([a, b]) }).success).toBe(true);
  expect(digestOf(listsOf([a, b]))).toBe(digestOf(listsOf([b, a])));
  expect(digestOf(listsOf([a, b]))).not.toBe(digestOf(listsOf([a])));
});

test("each sandbox's limits are in it, and another limit is another document", () => {
  const relays = [relayOf(UIDS[0], "a")];
  expect(listsOf(relays).sandboxes[0]?.limits).toEqual({ connections: 7, bytesPerSecond: 1_000_000 });
  const unlimited = listsOf(relays, () => ({ ...EGRESS, bandwidth: null }));
  expect(unlimited.sandboxes[0]?.limits.bytesPerSecond).toBeNull();
  expect(digestOf(unlimited)).not.toBe(digestOf(listsOf(relays)));
});

test("whoever has no list, or whose relay has ended, is not in it: the proxy refuses them everything", () => {
  const relays = [relayOf(UIDS[0], "a"), relayOf(UIDS[1], "b", "exited")];
  expect(listsOf(relays).sandboxes.map(({ sandbox }) => sandbox)).toEqual(["a"]);
  expect(listsOf(relays, () => null).sandboxes).toEqual([]);
});

test("each relay has a user of its own, beyond those of hosts and images; within their range where users are mapped", () => {
  const [first, second] = UIDS.map((uid) => userIdOf(toSandboxUid(uid), false));
  expect(first).not.toBe(second);
  for (const user of [first, second]) expect(user).toBeGreaterThanOrEqual(0x6000_0000);
  for (const uid of UIDS) expect(userIdOf(toSandboxUid(uid), true)).toBeLessThan(65_536);
});

test("two relays never share a user: the second one stays closed rather than speak for the first", () => {
  const twin = `${UIDS[0].slice(0, 8)}-0000-41d2-883f-0016d3cca427`;
  expect(listsOf([relayOf(UIDS[0], "a"), relayOf(twin, "b")]).sandboxes).toHaveLength(1);
});
