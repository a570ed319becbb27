// The hash is a promise to running containers: an upgrade of the controller must not recreate them.
import { expect, test } from "vitest";
import { PRIVATE_HOME } from "../../api/config/private-home.ts";
import type { ContainerSpec } from "../../api/sandbox.ts";
import { desiredOf, specOf } from "./decide.fixture.ts";
import { diffLive, diffRecreate, HASH_VERSION, hashSpec } from "./fields.ts";

const PLAIN: ContainerSpec = {
  image: "openclaw-sandbox:bookworm-slim",
  workdir: "/workspace",
  readOnlyRoot: true,
  tmpfs: [{ path: "/tmp", options: "size=256m,mode=1777" }],
  network: "none",
  user: "1000:1000",
  capDrop: ["ALL"],
  env: { LANG: "C.UTF-8", HOME: "/workspace" },
  ulimits: [],
  gpus: null,
  shmSize: null,
  runtime: null,
  seccomp: null,
  apparmorProfile: null,
  dns: [],
  extraHosts: [],
  mounts: [{ kind: "workspace", source: "/state/sandboxes/x", target: "/workspace", readOnly: false }],
  setupCommand: null,
  live: { cpus: null, memory: null, memorySwap: null, pidsLimit: 512 },
};

const FULL: ContainerSpec = {
  ...PLAIN,
  ulimits: [{ name: "nofile", soft: 1024, hard: 2048 }],
  gpus: "all",
  shmSize: 67_108_864,
  runtime: "runsc",
  seccomp: '{"defaultAction":"SCMP_ACT_ALLOW"}',
  apparmorProfile: "openclaw-sandbox",
  dns: ["1.1.1.1"],
  extraHosts: ["internal.service:10.0.0.5"],
  setupCommand: "apt-get update",
};

test("the hash of version 1 never changes for the same spec", () => {
  expect(HASH_VERSION).toBe("1");
  expect(hashSpec(PLAIN)).toMatchInlineSnapshot(`"1f0df8a382459c73"`);
  expect(hashSpec(FULL)).toMatchInlineSnapshot(`"464719aa6e928299"`);
});

test("limits that change while a container runs are not in the hash", () => {
  expect(hashSpec({ ...PLAIN, live: { cpus: 2, memory: 1, memorySwap: 2, pidsLimit: 3 } })).toBe(hashSpec(PLAIN));
});

test("the order of keys, capabilities, mounts and tmpfs does not change the hash", () => {
  const reordered: ContainerSpec = {
    ...PLAIN,
    env: { HOME: "/workspace", LANG: "C.UTF-8" },
    tmpfs: [{ path: "/run", options: "" }, ...PLAIN.tmpfs],
    capDrop: ["MKNOD", "CHOWN"],
  };
  const same = { ...reordered, tmpfs: reordered.tmpfs.toReversed(), capDrop: reordered.capDrop.toReversed() };
  expect(hashSpec(reordered)).toBe(hashSpec(same));
});

test("every field that needs a new container changes the hash and shows in the diff", () => {
  for (const key of Object.keys(FULL) as (keyof ContainerSpec)[]) {
    if (JSON.stringify(FULL[key]) === JSON.stringify(PLAIN[key])) continue;
    const edited = { ...PLAIN, [key]: FULL[key] };
    expect(hashSpec(edited), key).not.toBe(hashSpec(PLAIN));
    if (key !== "setupCommand") expect(diffRecreate(edited, PLAIN), key).toHaveLength(1);
  }
});

test("values of environment variables that may be secrets are hidden in a diff, harmless ones are shown", () => {
  const edited = { ...PLAIN, env: { ...PLAIN.env, LANG: "C", API_TOKEN: "hunter2" } };
  expect(diffRecreate(edited, PLAIN)).toEqual([
    { field: "docker.env.API_TOKEN", remedy: "recreate", desired: "(hidden)", actual: "unset" },
    { field: "docker.env.LANG", remedy: "recreate", desired: "C", actual: "C.UTF-8" },
  ]);
  expect(JSON.stringify(diffRecreate(edited, PLAIN))).not.toContain("hunter2");
});

test("a limit to be lifted is told from one to be changed", () => {
  const have = { cpus: 1, memory: 1_024, memorySwap: null, pidsLimit: 64 };
  const drift = diffLive({ cpus: null, memory: 2_048, memorySwap: null, pidsLimit: 0 }, have);
  expect(drift.map(({ field, unset }) => [field, unset])).toEqual([
    ["docker.cpus", true],
    ["docker.memory", false],
    ["docker.pidsLimit", true],
  ]);
});

test("a HOME of its own is a new container for those that have one alone, and comes with a place to write to", () => {
  const apart = specOf(desiredOf({ docker: { env: { HOME: PRIVATE_HOME } } })).container;
  expect(apart.tmpfs.filter(({ path }) => path === PRIVATE_HOME)).toHaveLength(1);
  const plain = specOf(desiredOf()).container;
  expect(plain.tmpfs.some(({ path }) => path === PRIVATE_HOME)).toBe(false);
  expect(diffRecreate(apart, plain).map(({ field }) => field)).toEqual(["docker.tmpfs", "docker.env.HOME"]);
  const taken = specOf(desiredOf({ docker: { env: { HOME: PRIVATE_HOME }, tmpfs: [PRIVATE_HOME] } })).container;
  expect(taken.tmpfs).toHaveLength(1);
});

test("a config without any key gives the documented defaults", () => {
  expect(specOf(desiredOf()).container).toMatchObject({
    image: PLAIN.image,
    network: "none",
    readOnlyRoot: true,
    capDrop: ["ALL"],
    live: PLAIN.live,
  });
});

test("swap beside a memory limit goes back to the engine's default while the container runs; without one it is lifted", () => {
  const limited = { cpus: null, memory: 1_024, memorySwap: 1_024, pidsLimit: 64 };
  expect(diffLive({ ...limited, memorySwap: null }, limited).map(({ field, unset }) => [field, unset])).toEqual([
    ["docker.memorySwap", false],
  ]);
  const neither = diffLive({ ...limited, memory: null, memorySwap: null }, limited);
  expect(neither.map(({ field, unset }) => [field, unset])).toEqual([
    ["docker.memory", true],
    ["docker.memorySwap", true],
  ]);
});

test("limits that an engine reads back in another way are none that differ", () => {
  const written = desiredOf({ docker: { memory: "128m", memorySwap: "256m" } });
  expect(specOf(written).container.live.memorySwap).toBeNull();
  expect(specOf(desiredOf({ docker: { memorySwap: -1 } })).container.live.memorySwap).toBeNull();
});

test("docker.env.PATH puts a person's folders before the system's, without which no program would be found", () => {
  const pathOf = (PATH?: string) => specOf(desiredOf({ docker: { env: PATH === undefined ? {} : { PATH } } })).container.env.PATH;
  expect(pathOf("/custom/bin:/opt/bin")).toBe("/custom/bin:/opt/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
  expect(pathOf("/bin:/custom/bin")).toBe("/bin:/custom/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin");
  expect(pathOf()).toBeUndefined();
});
