// What each fact about a machine is judged to be: one planted trouble at a time, with its fix; and that a machine without any has none.
import { describe, expect, test } from "vitest";
import { toAgentId } from "../../api/brands.ts";
import { OperationError } from "../../api/errors.ts";
import type { Check, Finding } from "../../api/finding.ts";
import { desiredOf, NOW } from "../decide/decide.fixture.ts";
import { specOf } from "../engine/contract.fixture.ts";
import type { EngineInfo } from "../engine/engine.ts";
import { judgeConfig, judgeImages } from "./config-checks.ts";
import { type ConfinementFacts, judgeConfinement } from "./confinement-checks.ts";
import { judgeEngine, judgeNoEngine } from "./engine-checks.ts";
import { judgeHost } from "./host-checks.ts";
import type { FolderFact, HostFacts } from "./host-facts.ts";
import type { ProbeReport } from "./probe.ts";
import { judgeProbes } from "./probe-checks.ts";

const GIB = 2 ** 30;

const INFO: EngineInfo = {
  product: "docker",
  version: "28.5.2",
  apiVersion: "1.51",
  endpoint: "unix:///var/run/docker.sock",
  because: "socket of Docker",
  securityOptions: ["apparmor", "seccomp", "cgroupns"],
  seccompProfile: "builtin",
  cgroupVersion: "2",
  cgroupDriver: "systemd",
  runtimes: ["io.containerd.runc.v2", "runc"],
  runtimeProgram: { name: "runc", version: "1.3.3" },
  storageDriver: "overlay2",
  systemTime: NOW,
  subreaper: true,
};

const PODMAN: EngineInfo = {
  ...INFO,
  ...{ product: "podman", version: "4.9.4", apiVersion: "1.41", endpoint: "unix:///run/podman/podman.sock", because: "socket of Podman" },
  ...{ runtimes: ["crun", "runc"], storageDriver: "overlay" },
};

const sandboxOf = (sandbox: object = {}) => desiredOf(sandbox).settings;

const confinement = (edit: Partial<ConfinementFacts> = {}): Finding[] =>
  judgeConfinement({ info: INFO, ignoredLimits: new Set(), kernelAppArmor: true, sandboxes: [sandboxOf()], ...edit });

const TOP: FolderFact = { path: "/state", mode: 0o700, uid: 1000 };
const HOST: HostFacts = {
  uid: 1000,
  folders: [TOP, { path: "/state/gateway", mode: 0o700, uid: 1001 }, { path: "/state/requests", mode: 0o770, uid: 1001 }],
  space: { freeBytes: 50 * GIB, totalBytes: 100 * GIB, freeFiles: 900, totalFiles: 1_000 },
  watches: { instances: 128, watches: 65_536 },
  kernelAppArmor: true,
  gatewayUid: 1001,
  gatewayIsHere: true,
};

const host = (edit: Partial<HostFacts>): Finding[] => judgeHost("/state", { ...HOST, ...edit });

const LOOKED: Extract<ProbeReport["outcome"], { kind: "looked" }> = {
  kind: "looked",
  mainSees: true,
  execSees: true,
  unwritable: [],
  unreadable: [],
  space: { freeBytes: 50 * GIB, totalBytes: 100 * GIB },
};

const probed = (outcome: ProbeReport["outcome"], endpoint = INFO.endpoint): Finding[] => {
  const container = specOf("image:1", { user: "1000:1000" });
  return judgeProbes(
    [{ target: { agents: [toAgentId("main")], container, workspaces: ["/w/a", "/w/b"], shown: ["/agents/main"] }, outcome }],
    endpoint,
  );
};

const troubles = (findings: readonly Finding[]): Finding[] => findings.filter(({ level }) => level !== "ok");

test("a good machine has no trouble", () => {
  const findings = [
    ...judgeEngine(INFO, NOW),
    ...confinement(),
    ...judgeHost("/state", HOST),
    ...probed(LOOKED),
    ...judgeConfig({ file: "/state/openclaw.json", ok: true, issues: [] }),
    ...judgeImages([{ reference: "image:1", agents: ["main"], needed: true, present: true }]),
  ];
  expect(troubles(findings)).toEqual([]);
  expect(findings.every(({ fix }) => fix === null)).toBe(true);
});

/** What is planted, and the one trouble that must be found: its level, check, a part of its message and of its fix. */
type Row = readonly [what: string, findings: Finding[], level: "warn" | "fail", check: Check, says: string, fix: string];

const PLANTED: readonly Row[] = [
  [
    "no engine",
    [judgeNoEngine(new OperationError("EngineUnreachable", "no container engine answers"))],
    "fail",
    "engine",
    "no container engine answers",
    "DOCKER_HOST",
  ],
  ["a bare TCP port", judgeEngine({ ...INFO, endpoint: "tcp://10.0.0.1:2375" }, NOW), "warn", "engine", "no TLS", "DOCKER_TLS_VERIFY"],
  ["an old engine", judgeEngine({ ...INFO, apiVersion: "1.38" }, NOW), "fail", "version", "1.40 is needed", "upgrade"],
  [
    "a clock that is 10 s off",
    judgeEngine({ ...INFO, systemTime: (NOW + 10_000) as typeof NOW }, NOW),
    "warn",
    "clock",
    "10.0 s",
    "timedatectl",
  ],
  [
    "a clock that is an hour off",
    judgeEngine({ ...INFO, systemTime: (NOW - 3_600_000) as typeof NOW }, NOW),
    "fail",
    "clock",
    "3600.0 s",
    "timedatectl",
  ],
  [
    "an init that can't stay above a command",
    judgeEngine({ ...INFO, subreaper: false }, NOW),
    "warn",
    "commands",
    "outlives the command's timeout",
    "docker-init",
  ],
  ["a copying storage driver", judgeEngine({ ...INFO, storageDriver: "vfs" }, NOW), "warn", "storage", "copies every image", "overlay2"],
  [
    "a copying storage driver of Podman",
    judgeEngine({ ...PODMAN, storageDriver: "vfs" }, NOW),
    "warn",
    "storage",
    "copies every image",
    "/etc/containers/storage.conf",
  ],
  [
    "a runtime that is not there, of Podman",
    confinement({ info: PODMAN, sandboxes: [sandboxOf({ docker: { runtime: "runsc" } })] }),
    "fail",
    "runtimes",
    "runsc of agent main",
    "/etc/containers/containers.conf",
  ],
  [
    "seccomp turned off in Podman",
    confinement({ info: { ...PODMAN, seccompProfile: "unconfined" } }),
    "fail",
    "seccomp",
    "unconfined",
    "/etc/containers/containers.conf",
  ],
  [
    "a sandbox as root in Podman",
    confinement({ info: PODMAN, sandboxes: [sandboxOf({ docker: { user: "0:0" } })] }),
    "warn",
    "user-namespaces",
    "agent main is root",
    "rootless Podman",
  ],
  [
    "a runc with a way out",
    confinement({ info: { ...INFO, runtimeProgram: { name: "runc", version: "1.1.11" } } }),
    "fail",
    "runc",
    "CVE-2024-21626",
    "upgrade runc",
  ],
  [
    "a runtime that is not there",
    confinement({ sandboxes: [sandboxOf({ docker: { runtime: "runsc" } })] }),
    "fail",
    "runtimes",
    "runsc of agent main",
    "daemon.json",
  ],
  [
    "no cgroup driver",
    confinement({ info: { ...INFO, cgroupDriver: "none" } }),
    "fail",
    "cgroups",
    "enforces no limits",
    "unified_cgroup_hierarchy",
  ],
  ["processes without limit", confinement({ ignoredLimits: new Set(["pidsLimit"]) }), "fail", "limits", "docker.pidsLimit", "pids"],
  [
    "memory without limit that nobody asked for",
    confinement({ ignoredLimits: new Set(["memory"]) }),
    "warn",
    "limits",
    "docker.memory",
    "memory",
  ],
  [
    "a memory limit that is not enforced",
    confinement({ ignoredLimits: new Set(["memory"]), sandboxes: [sandboxOf({ docker: { memory: "1g" } })] }),
    "fail",
    "limits",
    "docker.memory",
    "memory",
  ],
  ["no swap accounting", confinement({ ignoredLimits: new Set(["memorySwap"]) }), "warn", "limits", "docker.memorySwap", "swapaccount=1"],
  ["no seccomp", confinement({ info: { ...INFO, securityOptions: ["apparmor"] } }), "fail", "seccomp", "not filtered", "seccomp"],
  ["seccomp turned off", confinement({ info: { ...INFO, seccompProfile: "unconfined" } }), "fail", "seccomp", "unconfined", "daemon.json"],
  [
    "a kernel without access control",
    confinement({ kernelAppArmor: false, info: { ...INFO, securityOptions: ["seccomp"] } }),
    "warn",
    "access-control",
    "neither AppArmor nor SELinux",
    "apparmor=1",
  ],
  [
    "an engine that ignores AppArmor",
    confinement({ info: { ...INFO, securityOptions: ["seccomp"] } }),
    "warn",
    "access-control",
    "the engine does not use it",
    "apparmor_parser",
  ],
  [
    "an AppArmor profile that nobody applies",
    confinement({ info: { ...INFO, securityOptions: ["seccomp"] }, sandboxes: [sandboxOf({ docker: { apparmorProfile: "strict" } })] }),
    "fail",
    "access-control",
    "has no effect",
    "docker.apparmorProfile",
  ],
  [
    "a sandbox as root",
    confinement({ sandboxes: [sandboxOf({ docker: { user: "0:0" } })] }),
    "warn",
    "user-namespaces",
    "agent main is root",
    "docker.user",
  ],
  [
    "a state folder for all",
    host({ folders: [TOP, { path: "/state/run", mode: 0o777, uid: 1000 }] }),
    "fail",
    "state-folder",
    "mode 0777",
    "chmod go-w /state/run",
  ],
  [
    "another user's requests",
    host({ folders: [{ path: "/state/requests", mode: 0o700, uid: 33 }] }),
    "fail",
    "state-folder",
    "uid 33",
    "chown 1000 /state/requests",
  ],
  [
    "a state folder that all can look into",
    host({ folders: [{ path: "/the state", mode: 0o755, uid: 1000 }] }),
    "warn",
    "state-folder",
    "mode 0755",
    "chmod o-rwx '/the state'",
  ],
  [
    "sessions that all can write",
    host({ folders: [...HOST.folders, { path: "/state/agents", mode: 0o772, uid: 1001 }] }),
    "fail",
    "state-folder",
    "/state/agents (mode 0772)",
    "chmod go-w /state/agents",
  ],
  [
    "a full disk",
    host({ space: { freeBytes: 0.1 * GIB, totalBytes: 100 * GIB, freeFiles: 900, totalFiles: 1_000 } }),
    "fail",
    "disk-space",
    "0.1 GiB",
    "prune",
  ],
  [
    "a nearly full disk",
    host({ space: { freeBytes: 1 * GIB, totalBytes: 100 * GIB, freeFiles: 900, totalFiles: 1_000 } }),
    "warn",
    "disk-space",
    "1.0 GiB",
    "prune",
  ],
  [
    "no files left",
    host({ space: { freeBytes: 50 * GIB, totalBytes: 100 * GIB, freeFiles: 1, totalFiles: 1_000 } }),
    "warn",
    "disk-space",
    "1 of 1000 files",
    "prune",
  ],
  ["few file watches", host({ watches: { instances: 128, watches: 100 } }), "warn", "watches", "100, in 128", "max_user_watches=65536"],
  ["one user for both processes", host({ gatewayUid: 1000, folders: [TOP] }), "warn", "separation", "same user (uid 1000)", "two users"],
  [
    "a container that can't be run",
    probed({ kind: "failed", error: new OperationError("SpecRejected", "unknown runtime") }),
    "fail",
    "probe",
    "agent main can't run: unknown runtime",
    "key",
  ],
  [
    "an engine that lacks the folder",
    probed({ kind: "failed", error: new OperationError("SpecRejected", "bind source path does not exist: /w/a") }),
    "fail",
    "path-mapping",
    "does not see",
    "share the state folder",
  ],
  [
    "a remote engine with folders of its own",
    probed({ ...LOOKED, mainSees: false }, "ssh://far"),
    "fail",
    "path-mapping",
    "ssh://far does not see",
    "on the engine's machine",
  ],
  [
    "commands in another root",
    probed({ ...LOOKED, execSees: false, unwritable: ["/w/a", "/w/b"] }),
    "fail",
    "exec-root",
    "another root",
    "chroot",
  ],
  [
    "a workspace of somebody else",
    probed({ ...LOOKED, unwritable: ["/w/b"] }),
    "fail",
    "workspaces",
    "can't write to /w/b",
    "chown -R 1000:1000 /w/b",
  ],
  [
    "an agent workspace that can't be read",
    probed({ ...LOOKED, unreadable: ["/agents/main"] }),
    "fail",
    "workspaces",
    "can't read /agents/main",
    "chmod -R a+rX /agents/main",
  ],
  [
    "no room for containers",
    probed({ ...LOOKED, space: { freeBytes: 0.1 * GIB, totalBytes: GIB } }),
    "fail",
    "storage",
    "0.1 GiB of 1.0 GiB",
    "docker image prune",
  ],
  [
    "an image that is missing",
    judgeImages([{ reference: "openclaw-sandbox:bookworm-slim", agents: ["main"], needed: true, present: false }]),
    "fail",
    "images",
    "agent main needs it",
    "scripts/sandbox-setup.sh",
  ],
  [
    "an image that no sandbox needs yet",
    judgeImages([{ reference: "other:1", agents: ["main"], needed: false, present: false }]),
    "warn",
    "images",
    "once it is sandboxed",
    "docker pull other:1",
  ],
  [
    "a config that is not valid",
    judgeConfig({
      file: "c.json",
      ok: false,
      issues: [{ severity: "error", file: "c.json", line: 3, path: "agents", message: "wrong", fix: "do this" }],
    }),
    "fail",
    "config",
    "c.json:3: agents: wrong",
    "do this",
  ],
];

describe("planted trouble is found, alone, with its fix", () => {
  test.each(PLANTED.map(([what, ...row]) => [what, row] as const))("%s", (_, [findings, level, check, says, fix]) => {
    const found = troubles(findings);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({ level, check, message: expect.stringContaining(says), fix: expect.stringContaining(fix) });
  });
});

test("one user for both processes is no trouble where they are in containers of their own", () => {
  expect(troubles(host({ gatewayUid: 1000, gatewayIsHere: false, folders: [] }))).toEqual([]);
});

test("of many issues of a config the errors come first, and the rest is counted", () => {
  const issue = (severity: "error" | "warning") => ({ severity, file: "c.json", path: "", message: severity });
  const findings = judgeConfig({ file: "c.json", ok: false, issues: [...Array(6).fill(issue("warning")), issue("error")] });
  expect(findings.map(({ level }) => level)).toEqual(["fail", "warn", "warn", "warn", "warn", "warn"]);
  expect(findings.at(-1)).toMatchObject({ message: "2 more issues", fix: "openclaw config validate --config c.json" });
});

test("sandboxes that run alike give one line, not one each", () => {
  const container = specOf("image:1");
  const report = (agent: string): ProbeReport => ({
    target: { agents: [toAgentId(agent)], container, workspaces: ["/w"], shown: [] },
    outcome: LOOKED,
  });
  const findings = judgeProbes([report("a"), report("b")], INFO.endpoint);
  expect(findings.filter(({ check }) => check === "path-mapping")).toHaveLength(1);
});

test("the storage that Podman has by default is nothing to warn of", () => {
  expect(judgeEngine(PODMAN, NOW).filter(({ level }) => level !== "ok")).toEqual([]);
  expect(judgeEngine({ ...INFO, storageDriver: "overlay" }, NOW).filter(({ level }) => level !== "ok")).toHaveLength(1);
});
