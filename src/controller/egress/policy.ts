// Makes the document that tells the proxy what each sandbox may reach, from the config in force and the relays that are there. Pure.
import { createHash } from "node:crypto";
import type { SandboxName, SandboxUid } from "../../api/brands.ts";
import type { EffectiveEgress } from "../../api/config/egress.ts";
import type { EgressPolicy } from "../../api/egress/policy.ts";
import type { ListedRelay, ProtectedBlock } from "../engine/egress-engine.ts";

/** Users of relays: beyond all that a host or an image gives to anybody (65 536 and, for remapped users, their ranges). */
const USER_ID_FIRST = 0x6000_0000;
/** Where a container's users are mapped to a range of the host's, it has 65 536 of them. */
const MAPPED_FIRST = 20_000;
const MAPPED_COUNT = 40_000;
const UID_DIGITS = 7;

/** The user of a relay, by its uid. @param mapped whether only a range of users can be given */
export function userIdOf(uid: SandboxUid, mapped: boolean): number {
  const number = Number.parseInt(uid.replaceAll("-", "").slice(0, UID_DIGITS), 16);
  return mapped ? MAPPED_FIRST + (number % MAPPED_COUNT) : USER_ID_FIRST + number;
}

export type Lists = Pick<EgressPolicy, "refused" | "sandboxes">;

export interface PolicyFacts {
  relays: readonly ListedRelay[];
  /** null: the sandbox has no list, or is not known. */
  egressOf(name: SandboxName): EffectiveEgress | null;
  protectedBlocks: readonly ProtectedBlock[];
  mapped: boolean;
}

/** Whoever is not in it reaches nothing. In an order of its own, so that the same facts make the same document. */
export function toLists({ relays, egressOf, protectedBlocks, mapped }: PolicyFacts): Lists {
  const users = new Set<number>();
  const sandboxes = relays
    .filter(({ state }) => state === "created" || state === "running" || state === "paused")
    .toSorted((left, right) => (left.uid < right.uid ? -1 : 1))
    .flatMap(({ uid, name }) => {
      const egress = egressOf(name);
      const user = userIdOf(uid, mapped);
      // The same user twice is one relay that could speak for another.
      if (egress === null || users.has(user)) return [];
      users.add(user);
      const { allow, deny, connections, bandwidth } = egress;
      const limits = { connections, bytesPerSecond: bandwidth };
      return [{ id: uid as string, uid: user, sandbox: name as string, rules: { allow: [...allow], deny: [...deny] }, limits }];
    });
  return { refused: protectedBlocks.map((block) => ({ ...block })), sandboxes };
}

export const digestOf = (lists: Lists): string => createHash("sha256").update(JSON.stringify(lists)).digest("hex").slice(0, 16);
