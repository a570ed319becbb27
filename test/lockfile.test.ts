// Every package is locked by what is in it, not by its name and version alone: whoever serves another one under the same name is found out, on every
// platform. Which packages there are is package.json's.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { z } from "zod";

const Entry = z.looseObject({ version: z.string().optional(), integrity: z.string().optional(), link: z.boolean().optional() });
const Lock = z.looseObject({ packages: z.record(z.string(), Entry) });

test("every package of the lock, for whatever platform, has the digest of its content", () => {
  const { packages } = Lock.parse(JSON.parse(readFileSync("package-lock.json", "utf8")));
  const fetched = Object.entries(packages).filter(([path, { link }]) => path !== "" && link !== true);
  expect(fetched.length).toBeGreaterThan(300);
  expect(fetched.filter(([, { integrity }]) => !/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity ?? "")).map(([path]) => path)).toEqual([]);
});
