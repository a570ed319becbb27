// What is asked of the engine, knob by knob, and that reading it back gives the spec again without an engine in between.
import { expect, test } from "vitest";
import { toEpochMs, toInstanceId, toSandboxName, toSandboxUid, toScopeKey, toSpecHash } from "../../api/brands.ts";
import { LABEL } from "../../api/labels.ts";
import type { ContainerSpec } from "../../api/sandbox.ts";
import { diffRecreate } from "../decide/fields.ts";
import { effectiveLive } from "../decide/limits.ts";
import { type EngineTraits, toCreateOptions, toUpdate } from "./docker-create.ts";
import { RawInspect, toIdentity, toObservation, toOwnEnv } from "./docker-observe.ts";
import type { Identity } from "./engine.ts";

const IDENTITY: Identity = {
  instance: toInstanceId("0123456789ab"),
  name: toSandboxName("openclaw-sbx-a-01234567"),
  uid: toSandboxUid("uid-1"),
  kind: "tools",
  scopeKey: toScopeKey("agent:a"),
  hash: toSpecHash("0123456789abcdef"),
  hashVersion: "1",
  generation: 4,
  createdAt: toEpochMs(1_700_000_000_000),
  hasSetup: true,
};
const PLAIN: ContainerSpec = {
  image: "openclaw-sandbox:bookworm-slim",
  workdir: "/workspace",
  readOnlyRoot: true,
  tmpfs: [{ path: "/tmp", options: "size=1m" }],
  network: "none",
  user: "1000:1000",
  capDrop: ["ALL"],
  env: { HOME: "/workspace" },
  ulimits: [],
  gpus: null,
  shmSize: null,
  runtime: null,
  seccomp: null,
  apparmorProfile: null,
  dns: [],
  extraHosts: [],
  mounts: [],
  setupCommand: null,
  live: { cpus: null, memory: null, memorySwap: null, pidsLimit: 512 },
};
const TRAITS: EngineTraits = { selinux: false, tmpfsOwner: true };
const hostOf = (edit: Partial<ContainerSpec>, traits = TRAITS) => toCreateOptions(IDENTITY, { ...PLAIN, ...edit }, traits).HostConfig;
const PROCESS_STATE = "rw,noexec,nosuid,nodev,size=64m,mode=1777";

test("what every sandbox has, no spec can turn off", () => {
  const options = toCreateOptions(IDENTITY, PLAIN, TRAITS);
  expect(options).toMatchObject({
    name: "openclaw-sbx-a-01234567.pending",
    Entrypoint: ["/bin/sh", "-c"],
    Healthcheck: { Test: ["NONE"] },
    Tty: false,
  });
  expect(options.HostConfig).toMatchObject({
    Init: true,
    Privileged: false,
    AutoRemove: false,
    RestartPolicy: { Name: "no" },
    LogConfig: { Type: "json-file", Config: { "max-size": "1m", "max-file": "1" } },
    SecurityOpt: ["no-new-privileges:true"],
  });
  expect(options.HostConfig).not.toHaveProperty("OomKillDisable");
  expect(toIdentity(options.Labels ?? {})).toEqual(IDENTITY);
});

test("a browser's image brings its main process with it, and nothing else of its container is its own", () => {
  const { Entrypoint, Cmd, ...shared } = toCreateOptions(IDENTITY, PLAIN, TRAITS);
  expect(toCreateOptions({ ...IDENTITY, kind: "browser" }, PLAIN, TRAITS)).toEqual({
    ...shared,
    Labels: { ...shared.Labels, [LABEL.kind]: "browser" },
  });
});

const KNOBS: [string, Partial<ContainerSpec>, object][] = [
  ["no limits", { live: { cpus: null, memory: null, memorySwap: null, pidsLimit: 0 } }, { PidsLimit: -1 }],
  [
    "limits",
    { live: { cpus: 1.5, memory: 1024, memorySwap: 4096, pidsLimit: 9 } },
    { NanoCpus: 1_500_000_000, Memory: 1024, MemorySwap: 4096, PidsLimit: 9 },
  ],
  ["unlimited swap", { live: { cpus: null, memory: 1024, memorySwap: -1, pidsLimit: 9 } }, { MemorySwap: -1 }],
  ["all gpus", { gpus: "all" }, { DeviceRequests: [{ Driver: "", Count: -1, Capabilities: [["gpu"]] }] }],
  ["two gpus", { gpus: "2" }, { DeviceRequests: [{ Driver: "", Count: 2, Capabilities: [["gpu"]] }] }],
  [
    "these gpus",
    { gpus: "device=0,GPU-1" },
    { DeviceRequests: [{ Driver: "", Count: 0, DeviceIDs: ["0", "GPU-1"], Capabilities: [["gpu"]] }] },
  ],
  ["shared memory", { shmSize: 1 }, { ShmSize: 1 }],
  ["a runtime", { runtime: "runsc" }, { Runtime: "runsc" }],
  ["profiles", { seccomp: "{}", apparmorProfile: "tight" }, { SecurityOpt: ["no-new-privileges:true", "seccomp={}", "apparmor=tight"] }],
  [
    "names",
    { dns: ["192.0.2.1"], extraHosts: ["a:192.0.2.2"], network: "own" },
    { Dns: ["192.0.2.1"], ExtraHosts: ["a:192.0.2.2"], NetworkMode: "own" },
  ],
  ["ulimits", { ulimits: [{ name: "nofile", soft: 1, hard: 2 }] }, { Ulimits: [{ Name: "nofile", Soft: 1, Hard: 2 }] }],
  [
    "a mount",
    { mounts: [{ kind: "bind", source: "/src", target: "/dst", readOnly: true }] },
    { Mounts: [{ Type: "bind", Source: "/src", Target: "/dst", ReadOnly: true }] },
  ],
  [
    "tmpfs, owned by the user",
    {
      tmpfs: [
        { path: "/run", options: "size=1m" },
        { path: "/x", options: "" },
        { path: "/y", options: "uid=5" },
      ],
    },
    {
      Tmpfs: {
        "/run": "size=1m,uid=1000,gid=1000",
        "/x": "uid=1000,gid=1000",
        "/y": "uid=5",
        "/run/openclaw": `${PROCESS_STATE},uid=1000,gid=1000`,
      },
    },
  ],
  ["tmpfs of a user known by name", { user: "sandbox", tmpfs: [] }, { Tmpfs: { "/run/openclaw": PROCESS_STATE } }],
  ["tmpfs of root", { user: "0:0", tmpfs: [] }, { Tmpfs: { "/run/openclaw": PROCESS_STATE } }],
];

test.each(KNOBS)("%s: asked for, and read back without a difference", (_, edit, asked) => {
  const spec = { ...PLAIN, ...edit };
  expect(hostOf(edit)).toMatchObject(asked);
  const seen = readBack(spec, TRAITS);
  expect(diffRecreate(spec, seen.created)).toEqual([]);
  expect(seen.live).toEqual(effectiveLive(spec.live));
});

test("on a host with SELinux mounts are relabelled, and read back the same", () => {
  const traits = { selinux: true, tmpfsOwner: true };
  const spec: ContainerSpec = {
    ...PLAIN,
    mounts: [
      { kind: "workspace", source: "/w", target: "/workspace", readOnly: false },
      { kind: "agent", source: "/a", target: "/agent", readOnly: true },
    ],
  };
  expect(hostOf(spec, traits)?.Binds).toEqual(["/w:/workspace:rw,z", "/a:/agent:ro,z"]);
  expect(hostOf(spec, traits)).not.toHaveProperty("Mounts");
  expect(readBack(spec, traits).created.mounts).toEqual(spec.mounts);
});

test("an update sends memory and swap together, and leaves alone what nobody limits", () => {
  const live = { cpus: null, memory: 2048, memorySwap: null, pidsLimit: 0 };
  expect(toUpdate(live)).toMatchObject({ Memory: 2048, MemorySwap: 4096, PidsLimit: -1 });
  expect(toUpdate({ ...live, memory: null })).toEqual({ PidsLimit: -1, RestartPolicy: { Name: "no", MaximumRetryCount: 0 } });
  expect(toUpdate({ ...live, memorySwap: -1, cpus: 0.1 })).toMatchObject({
    Memory: 2048,
    MemorySwap: -1,
    NanoCpus: 100_000_000,
    PidsLimit: -1,
  });
});

test("limits that mean the same compare equal", () => {
  const live = { cpus: null, memory: 100, memorySwap: 200, pidsLimit: -1 };
  expect(effectiveLive(live)).toEqual({ ...live, memorySwap: null, pidsLimit: 0 });
  expect(effectiveLive({ ...live, memorySwap: 150 }).memorySwap).toBe(150);
  expect(effectiveLive({ ...live, memorySwap: -1 }).memorySwap).toBe(-1);
  expect(effectiveLive({ ...live, memory: null, memorySwap: -1 }).memorySwap).toBeNull();
});

test("variables that only the image brings are not the container's own", () => {
  const image = ["PATH=/bin", "LANG=C.UTF-8"];
  expect(toOwnEnv(["A=1", "LANG=C.UTF-8", "HOME=/w", "PATH=/bin"], image)).toEqual({ A: "1", LANG: "C.UTF-8", HOME: "/w" });
  // Podman's order means nothing.
  expect(toOwnEnv(["PATH=/bin", "HOME=/w", "A=1"], image)).toEqual({ HOME: "/w", A: "1" });
  expect(toOwnEnv(["A=", "B=x=y", "PATH=/bin"], image)).toEqual({ A: "", B: "x=y" });
});

/** As an engine that keeps what it is told, and fills in what it always does. */
function readBack(spec: ContainerSpec, traits: EngineTraits) {
  const { name, HostConfig, ...config } = toCreateOptions(IDENTITY, spec, traits);
  const swap = spec.live.memory !== null && spec.live.memorySwap === null ? { MemorySwap: 2 * spec.live.memory } : {};
  const raw = {
    Id: "c".repeat(64),
    Name: `/${name}`,
    Image: `sha256:${"a".repeat(64)}`,
    State: { Status: "created", StartedAt: "0001-01-01T00:00:00Z", FinishedAt: "0001-01-01T00:00:00Z", ExitCode: 0, OOMKilled: false },
    ExecIDs: null,
    Config: { ...config, Env: [...(config.Env ?? []), "PATH=/bin"] },
    HostConfig: { Runtime: "runc", ShmSize: 67_108_864, ...HostConfig, ...swap },
    NetworkSettings: { Networks: { [spec.network]: {} } },
  };
  const seen = toObservation(RawInspect.parse(raw), { imageEnv: ["PATH=/bin"], defaultRuntime: "runc", defaultNetwork: "bridge" });
  if (seen === null) throw new Error("no identity");
  return seen;
}
