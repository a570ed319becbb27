// What inspect and list answers mean, also where engines differ and where labels are not ours.
import { expect, test } from "vitest";
import { LABEL } from "../../api/labels.ts";
import { RawInspect, RawListed, toImageVolumes, toListed, toMoment, toObservation, toState } from "./docker-observe.ts";

const LABELS = {
  [LABEL.sandbox]: "1",
  [LABEL.instance]: "0123456789ab",
  [LABEL.name]: "openclaw-sbx-a",
  [LABEL.uid]: "uid-1",
  [LABEL.kind]: "tools",
  [LABEL.scopeKey]: "agent:a",
  [LABEL.configHash]: "0123456789abcdef",
  [LABEL.hashVersion]: "1",
  [LABEL.generation]: "2",
  [LABEL.createdAtMs]: "1700000000000",
};

interface Edit {
  State?: object;
  Config?: object;
  HostConfig?: object;
  NetworkSettings?: object | null;
  [key: string]: unknown;
}

function observe({ State, Config, HostConfig, ...edit }: Edit = {}, defaultNetwork = "bridge") {
  const raw = {
    Id: "c".repeat(64),
    Name: "/openclaw-sbx-a",
    Image: `sha256:${"a".repeat(64)}`,
    State: { Status: "running", StartedAt: "2026-01-02T03:04:05.123456789Z", FinishedAt: "0001-01-01T00:00:00Z", ExitCode: 0, ...State },
    ExecIDs: null,
    Config: { Image: "i", User: "", WorkingDir: "/", Env: null, Labels: LABELS, ...Config },
    HostConfig: { NetworkMode: "none", ...HostConfig },
    NetworkSettings: { Networks: { none: {} } },
    ...edit,
  };
  return toObservation(RawInspect.parse(raw), { imageEnv: [], defaultRuntime: "runc", defaultNetwork });
}

test("a running container: this run's moment with all its digits, no exit code, no commands", () => {
  expect(observe()).toMatchObject({
    handle: { id: "c".repeat(64), uid: "uid-1", incarnation: "2026-01-02T03:04:05.123456789Z" },
    stage: "current",
    state: "running",
    startedAt: Date.UTC(2026, 0, 2, 3, 4, 5, 123),
    restarted: false,
    exitCode: null,
    oomKilled: false,
    networks: ["none"],
    live: { cpus: null, memory: null, memorySwap: null, pidsLimit: 0 },
    execs: "none",
    settled: false,
  });
});

test("names say which stage a container is in", () => {
  const stageOf = (Name: string) => observe({ Name })?.stage;
  expect(["/openclaw-sbx-a", "/openclaw-sbx-a.pending", "/openclaw-sbx-b", "openclaw-sbx-a"].map(stageOf)).toEqual([
    "current",
    "pending",
    "renamed",
    "current",
  ]);
});

test("a main process that ever ended means a restart, and its end is told while it lasts", () => {
  const ended = { FinishedAt: "2026-01-02T03:05:00Z" };
  expect(observe({ State: ended })).toMatchObject({ restarted: true, exitCode: null });
  expect(observe({ State: { ...ended, Status: "exited", ExitCode: 137, OOMKilled: true } })).toMatchObject({
    exitCode: 137,
    oomKilled: true,
  });
});

test.each([
  ["created", "created"],
  ["configured", "created"],
  ["running", "running"],
  ["paused", "paused"],
  ["exited", "exited"],
  ["stopped", "exited"],
  ["restarting", "exited"],
  ["removing", "removing"],
  ["dead", "dead"],
  ["something new", "dead"],
])("state %s is %s", (status, state) => {
  expect(toState(status)).toBe(state);
});

test("live and ended commands are both only a hint that it may be in use", () => {
  expect(observe({ ExecIDs: [] })?.execs).toBe("none");
  expect(observe({ ExecIDs: ["e1"] })?.execs).toBe("some");
});

test("limits set by other means read back as what they are", () => {
  expect(observe({ HostConfig: { CpuQuota: 50_000, CpuPeriod: 100_000, PidsLimit: -1 } })?.live).toMatchObject({ cpus: 0.5, pidsLimit: 0 });
  expect(observe({ HostConfig: { CpuQuota: 20_000, CpuPeriod: 0 } })?.live.cpus).toBe(0.2);
  expect(observe({ HostConfig: { Memory: 100, MemorySwap: 200 } })?.live).toMatchObject({ memory: 100, memorySwap: null });
  expect(observe({ HostConfig: { Memory: 100, MemorySwap: -1 } })?.live).toMatchObject({ memory: 100, memorySwap: -1 });
});

test("Podman's spelling is understood", () => {
  const seen = observe({
    Image: "b".repeat(64),
    HostConfig: {
      NetworkMode: "none",
      CapDrop: [
        "CAP_CHOWN",
        "CAP_DAC_OVERRIDE",
        "CAP_FOWNER",
        "CAP_FSETID",
        "CAP_KILL",
        "CAP_NET_BIND_SERVICE",
        "CAP_SETFCAP",
        "CAP_SETGID",
        "CAP_SETPCAP",
        "CAP_SETUID",
        "CAP_SYS_CHROOT",
      ],
      Ulimits: [{ Name: "RLIMIT_NOFILE", Soft: 1, Hard: 2 }],
      Runtime: "oci",
      Binds: ["/src:/dst:ro,rprivate,rbind"],
    },
    NetworkSettings: null,
  });
  expect(seen).toMatchObject({
    imageId: `sha256:${"b".repeat(64)}`,
    networks: [],
    created: { capDrop: ["ALL"], runtime: null, ulimits: [{ name: "nofile", soft: 1, hard: 2 }] },
  });
  expect(seen?.created.mounts).toEqual([{ kind: "bind", source: "/src", target: "/dst", readOnly: true }]);
});

test("labels that are not a whole identity make it nobody's", () => {
  for (const key of Object.keys(LABELS)) {
    const rest = Object.entries(LABELS).filter(([name]) => name !== key);
    expect([key, observe({ Config: { Labels: Object.fromEntries(rest) } })]).toEqual([key, null]);
  }
  for (const bad of [{ [LABEL.generation]: "1e3" }, { [LABEL.createdAtMs]: "-1" }, { [LABEL.kind]: "vm" }, { [LABEL.sandbox]: "true" }]) {
    expect(observe({ Config: { Labels: { ...LABELS, ...bad } } })).toBeNull();
  }
  expect(observe({ Config: { Labels: null } })).toBeNull();
});

test("a line of the listing carries id, names and state", () => {
  const raw = RawListed.parse({ Id: "c1", Names: ["/by-hand"], State: "exited", Labels: LABELS, Created: 1 });
  expect(toListed(raw)).toMatchObject({
    id: "c1",
    name: "openclaw-sbx-a",
    scopeKey: LABELS[LABEL.scopeKey],
    actualName: "by-hand",
    state: "exited",
  });
  expect(toListed({ ...raw, Labels: {} })).toBeNull();
});

test("an engine's zero time is no moment", () => {
  expect([toMoment("0001-01-01T00:00:00Z"), toMoment(""), toMoment(null), toMoment("nonsense")]).toEqual([null, null, null, null]);
});

test("an answer of another shape is refused, not half read", () => {
  expect(RawInspect.safeParse({ Id: 7 }).success).toBe(false);
});

test("the volumes of an image are folders, each named once", () => {
  expect(toImageVolumes(["/data/", "/data", "/a/../b", "/", "relative"])).toEqual(["/data", "/b"]);
});

test.each([
  ["the engine's default network", "bridge", "podman", "bridge"],
  ["one of its own", "mine", "mine", "mine"],
])("Podman shows a network's kind: a container on %s is in the network that it was made with", (_, network, attached, seen) => {
  const Config = { Labels: { ...LABELS, [LABEL.network]: network } };
  const NetworkSettings = { Networks: { [attached]: {} } };
  const found = observe({ Config, HostConfig: { NetworkMode: "bridge" }, NetworkSettings }, "podman");
  expect([found?.networks, found?.created.network]).toEqual([[seen], seen]);
});
