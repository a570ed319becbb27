// How often a container is looked at to see whether its main process is at rest.
import { expect, test } from "vitest";
import { toContainerId, toSandboxUid } from "../../api/brands.ts";
import { OperationError } from "../../api/errors.ts";
import { AT_REST } from "./docker-create.ts";
import { RestLooks, toPsArguments } from "./rest-looks.ts";

const FACTS = { product: "docker", apiVersion: "1.41" } as const;
const startOf = (incarnation: string) => ({ handle: { id: toContainerId("c1"), uid: toSandboxUid("u"), incarnation }, pid: 42 });
/** Of an engine that is elsewhere. */
const looksOf = (commandLines: (id: string) => Promise<string[]>, readHere: (() => string[] | null) | null = null): RestLooks =>
  new RestLooks({ client: { commandLines }, facts: () => FACTS, readHere });

test("one that was seen at rest is not looked at again, until it is started again", async () => {
  const looked: string[] = [];
  const looks = looksOf(async (id) => (looked.push(id) > 1 ? ["init", AT_REST] : ["sh -c"]));
  expect([await looks.isAtRest(startOf("1")), await looks.isAtRest(startOf("1")), await looks.isAtRest(startOf("1"))]).toEqual([
    ...[false, true, true],
  ]);
  expect(looked.length).toBe(2);
  expect(await looks.isAtRest(startOf("2"))).toBe(true);
  expect(looked.length).toBe(3);
});

test("one that is never seen at rest costs no look for ever", async () => {
  let looked = 0;
  const commandLines = async (): Promise<string[]> => {
    looked += 1;
    throw new OperationError("EngineFailed", "ps is not there");
  };
  const looks = looksOf(commandLines);
  for (let pass = 0; pass < 1_000; pass += 1) expect(await looks.isAtRest(startOf("1"))).toBe(false);
  expect(looked).toBeLessThan(100);
});

test("where this host shows it the engine is not asked, and it is looked at until it is at rest", async () => {
  const shown = [["sh -c"], ["docker-init -- sh", "sh -c"], ["docker-init -- sh", AT_REST]];
  const looks = looksOf(
    () => Promise.reject(new Error("the engine was asked")),
    () => shown.shift() ?? [],
  );
  expect(await looks.isAtRest(startOf("1"))).toBe(true);
  expect(shown).toEqual([]);
  expect(await looks.isAtRest(startOf("2")), "one that never is").toBe(false);
  expect(looks.isHere).toBe(true);
});

test("where this host shows nothing of it the engine is asked, and soon this host no more", async () => {
  let [asked, read] = [0, 0];
  const looks = looksOf(
    async () => (++asked > 0 ? [AT_REST] : []),
    () => (++read > 0 ? null : []),
  );
  for (let start = 0; start < 20; start += 1) expect(await looks.isAtRest(startOf(String(start)))).toBe(true);
  expect(asked).toBe(20);
  expect(read).toBeLessThan(10);
  expect(looks.isHere).toBe(false);
});

test.each([
  ["docker", "1.41", "-o pid,args"],
  ["docker", "1.40", "-o pid,args"],
  ["docker", "1.39", "-eo pid,args"],
  ["docker", "2.0", "-o pid,args"],
  ["docker", "", "-eo pid,args"],
  ["podman", "1.41", "-eo pid,args"],
] as const)("%s with API %j is asked for %s", (product, apiVersion, psArguments) => {
  expect(toPsArguments({ product, apiVersion })).toBe(psArguments);
});
