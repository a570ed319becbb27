// How often a container is looked at to see whether its main process is at rest.
import { expect, test } from "vitest";
import { toContainerId, toSandboxUid } from "../../api/brands.ts";
import { OperationError } from "../../api/errors.ts";
import { AT_REST } from "./docker-create.ts";
import { RestLooks, toPsArguments } from "./rest-looks.ts";

const FACTS = { product: "docker", apiVersion: "1.41" } as const;
const handleOf = (incarnation: string) => ({ id: toContainerId("c1"), uid: toSandboxUid("u"), incarnation });

test("one that was seen at rest is not looked at again, until it is started again", async () => {
  const looked: string[] = [];
  const looks = new RestLooks({ commandLines: async (id) => (looked.push(id) > 1 ? ["init", AT_REST] : ["sh -c"]) }, () => FACTS);
  expect([await looks.isAtRest(handleOf("1")), await looks.isAtRest(handleOf("1")), await looks.isAtRest(handleOf("1"))]).toEqual([
    ...[false, true, true],
  ]);
  expect(looked.length).toBe(2);
  expect(await looks.isAtRest(handleOf("2"))).toBe(true);
  expect(looked.length).toBe(3);
});

test("one that is never seen at rest costs no look for ever", async () => {
  let looked = 0;
  const commandLines = async (): Promise<string[]> => {
    looked += 1;
    throw new OperationError("EngineFailed", "ps is not there");
  };
  const looks = new RestLooks({ commandLines }, () => FACTS);
  for (let pass = 0; pass < 1_000; pass += 1) expect(await looks.isAtRest(handleOf("1"))).toBe(false);
  expect(looked).toBeLessThan(100);
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
