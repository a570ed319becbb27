// Volumes that an image declares are limited under a read-only root, and nothing that the config mounts is covered by them.
import { expect, test } from "vitest";
import { desiredOf, FACTS, specOf } from "./decide.fixture.ts";
import { findImageVolumes } from "./image-volumes.ts";
import { toHashedSpec } from "./spec.ts";

const image = (...volumes: string[]) => ({ ...FACTS.image, volumes }) as typeof FACTS.image;

test("under a read-only root each is a folder in memory with a limit, in the hash too", () => {
  const desired = desiredOf();
  const { container, hash } = toHashedSpec(desired, { ...FACTS, image: image("/data", "/cache") });
  expect(container.tmpfs.slice(-2)).toEqual([
    { path: "/cache", options: "exec,size=256m,mode=1777" },
    { path: "/data", options: "exec,size=256m,mode=1777" },
  ]);
  expect(hash).not.toBe(specOf(desired).hash);
});

test("with a writable root they are the engine's, and an image without any changes nothing", () => {
  const writable = desiredOf({ docker: { readOnlyRoot: false } });
  expect(toHashedSpec(writable, { ...FACTS, image: image("/data") }).container.tmpfs).toEqual(specOf(writable).container.tmpfs);
  expect(toHashedSpec(desiredOf(), { ...FACTS, image: image() }).hash).toBe(specOf(desiredOf()).hash);
});

test("what is mounted by the config is left as it is", () => {
  const placed = {
    tmpfs: [{ path: "/tmp", options: "size=16m" }],
    mounts: [{ kind: "bind" as const, source: "/srv", target: "/data", readOnly: true }],
  };
  expect(findImageVolumes(image("/data", "/tmp", "/b", "/a"), placed)).toEqual(["/a", "/b"]);
  expect(findImageVolumes({ kind: "missing" }, placed)).toEqual([]);
});
