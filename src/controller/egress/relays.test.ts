// Which user a new relay gets, and what is looked at for that. What a relay does is the scenarios'.
import { randomUUID } from "node:crypto";
import { expect, test, vi } from "vitest";
import { toContainerId, toEpochMs, toSandboxName, toSandboxUid, toScopeKey } from "../../api/brands.ts";
import { createSystemClock } from "../../api/clock.ts";
import { createFolder } from "../../api/store/folder.fixture.ts";
import type { Engine } from "../engine/engine.ts";
import { Ledger } from "../records/ledger.ts";
import type { Egress } from "./egress.ts";
import { Relays } from "./relays.ts";

const OF = { name: toSandboxName("openclaw-sbx-a"), scopeKey: toScopeKey("agent:a") };
const RUN = { id: toContainerId("c1"), uid: toSandboxUid("u"), incarnation: "1" };

async function openRelays(newUid: () => string, remapsUsers: boolean) {
  const ledger = await Ledger.open(await createFolder(), toEpochMs(0));
  const users: number[] = [];
  const engine = {
    egress: {
      remapsUsers,
      create: async ({ uid, userId }: { uid: string; userId: number }) => {
        users.push(userId);
        return { id: toContainerId(`relay-${uid}`), uid, incarnation: "" };
      },
      act: async () => undefined,
      retire: async () => undefined,
    },
  } as unknown as Engine;
  const egress = { suspect: () => undefined } as unknown as Egress;
  const open = (): Relays => new Relays({ clock: createSystemClock(), newUid, engine, ledger, egress });
  return { ledger, users, open };
}

/** Uids of which the first digits, by which users go, are these. */
const uidOf = (digits: string): string => `${digits}${randomUUID().slice(digits.length)}`;

test.each([
  ["of 268 million", false, ["0000001", "0000001", "0000002", "0000001"]],
  ["where users are mapped to 40 000", true, ["0000001", "0009c41", "0000002", "0009c41"]],
])("a relay gets a user that no other has, %s; one that is gone has none", async (_where, remapsUsers, digits) => {
  const uids = digits.map(uidOf);
  const { ledger, users, open } = await openRelays(() => uids.shift() ?? "", remapsUsers);
  await open().attach(OF, RUN);
  // As after a restart: what is in the ledger counts.
  const relays = open();
  await relays.attach(OF, RUN);
  expect(new Set(users).size).toBe(2);
  expect(uids).toHaveLength(1);
  const [first] = ledger.entries();
  if (first === undefined) throw new Error("nothing in the ledger");
  await relays.remove({ id: toContainerId("r"), uid: first.uid, incarnation: "" });
  await relays.attach(OF, RUN);
  expect(users[2]).toBe(users[0]);
});

test("the hundredth relay looks at no other", async () => {
  const { ledger, users, open } = await openRelays(randomUUID, false);
  const relays = open();
  const looks = (["entries", "ofName", "byUid"] as const).map((name) => vi.spyOn(ledger, name));
  for (let made = 0; made < 100; made += 1) await relays.attach(OF, RUN);
  expect(looks.flatMap(({ mock }) => mock.calls)).toEqual([]);
  expect(new Set(users).size).toBe(100);
});
