// Which containers of the egress differ from what the controller makes, over what engines answer. That a real one has no differences is
// views/container-audit.engine.test.ts's.
import { expect, test } from "vitest";
import { toContainerId, toEpochMs, toInstanceId, toSandboxName, toSandboxUid, toScopeKey } from "../../api/brands.ts";
import { toEgressOptions } from "./egress-containers.ts";
import { diffHardening, type RawHardening } from "./egress-hardening.ts";
import { type InspectedEdit, toInspected } from "./egress-inspected.fixture.ts";

const INSTANCE = toInstanceId("0123456789ab");
const MADE = { uid: toSandboxUid("1b4e28ba-2fa1-41d2-883f-0016d3cca427"), createdAt: toEpochMs(1), image: "openclaw-egress:bookworm-slim" };
const OF = { id: toContainerId("c".repeat(64)), incarnation: "1" };
const RELAY = {
  role: "relay" as const,
  ...MADE,
  name: toSandboxName("openclaw-sbx-a"),
  scopeKey: toScopeKey("agent:a"),
  userId: 1_610_612_736,
  of: OF,
};

const inspected = (role: "proxy" | "relay", edit: InspectedEdit = {}): RawHardening =>
  toInspected(toEgressOptions(INSTANCE, role === "proxy" ? { role, ...MADE } : RELAY), edit);
const differencesOf = (raw: RawHardening, ignored: Parameters<typeof diffHardening>[2] = []): string[] =>
  diffHardening(raw, INSTANCE, ignored).map(({ message }) => message);

test("one that was made as it should be has none, also as another engine writes it", () => {
  for (const role of ["proxy", "relay"] as const) expect(differencesOf(inspected(role))).toEqual([]);
  expect(differencesOf(inspected("proxy", { host: { CapAdd: ["CAP_CHOWN"], Devices: null, IpcMode: "shareable" } }))).toEqual([]);
});

test.each<[string, InspectedEdit, string]>([
  ["privileges", { host: { Privileged: true } }, "Privileged is true, not unset"],
  ["a capability more", { host: { CapAdd: ["NET_ADMIN"] } }, 'CapAdd is ["NET_ADMIN"], not unset'],
  ["all capabilities", { host: { CapDrop: null } }, 'CapDrop is unset, not ["ALL"]'],
  ["another network", { host: { NetworkMode: "bridge" } }, `NetworkMode is bridge, not container:${OF.id}`],
  ["a writable root", { host: { ReadonlyRootfs: false } }, "ReadonlyRootfs is unset, not true"],
  ["no limit of memory", { host: { Memory: 0 } }, "Memory is unset, not 100663296"],
  ["the host's processes", { host: { PidMode: "host" } }, "PidMode is set: host"],
  ["the host's memory segments", { host: { IpcMode: "host" } }, "IpcMode is host"],
  ["a folder of the host", { mounts: [{ Type: "bind", Destination: "/x", RW: true }] }, "it has another mount (bind) at /x"],
  ["another command", { config: { Cmd: ["sh"] } }, 'its command is ["sh"], not ["relay","1b4e28ba-2fa1-41d2-883f-0016d3cca427"]'],
  ["another program", { config: { Entrypoint: ["sh", "-c"] } }, 'its program is ["sh","-c"], not ["openclaw-egress"]'],
  ["less of the processor", { host: { NanoCpus: 10_000_000 } }, "NanoCpus is set: 10000000"],
  ["a restart by the engine", { host: { RestartPolicy: { Name: "always" } } }, "RestartPolicy is always, not no"],
  ["root", { config: { User: "0:0" } }, "it runs as root"],
])("%s is one", (_, edit, difference) => {
  expect(differencesOf(inspected("relay", edit))).toEqual([difference]);
});

test("a socket folder that it may write is one, and another version's are not compared", () => {
  const raw = inspected("relay");
  for (const mount of raw.Mounts ?? []) mount.RW = true;
  expect(differencesOf(raw)).toEqual(["it has another mount (volume) at /run/openclaw-egress"]);
  expect(differencesOf({ ...raw, Mounts: [] })).toEqual(["it lacks the mount at /run/openclaw-egress"]);
  expect(differencesOf({ ...inspected("relay"), Name: "/x" })).toEqual([
    expect.stringMatching(/^its name is x, not openclaw-sbx-a-egress-/),
  ]);
  const labels = { ...raw.Config.Labels, "openclaw.egressVersion": "0" };
  expect(differencesOf({ ...raw, Config: { ...raw.Config, Labels: labels } })).toEqual([]);
});

/** As Podman 4.3 was seen to show them. */
const PODMAN_DROPS =
  "AUDIT_WRITE DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE NET_RAW SETFCAP SETGID SETPCAP SETUID SYS_CHROOT".split(" ");
const OWN = "rw,rprivate,nosuid,nodev,tmpcopyup";
const podman = (role: "proxy" | "relay"): Record<string, unknown> => ({
  CapAdd: [],
  CapDrop: role === "proxy" ? PODMAN_DROPS : [...PODMAN_DROPS, "CHOWN"],
  SecurityOpt: ["no-new-privileges"],
  ...(role === "proxy" && { NetworkMode: "bridge" }),
  PidMode: "private",
  UTSMode: "private",
  IpcMode: "shareable",
  Binds: [`openclaw-egress-${INSTANCE}:/run/openclaw-egress:${role === "proxy" ? "rw" : "ro"},rprivate,nosuid,nodev,rbind`],
  Tmpfs: {
    "/run": OWN,
    "/var/tmp": OWN,
    "/tmp": role === "proxy" ? `rw,noexec,nosuid,nodev,size=16m,mode=1777,rprivate,tmpcopyup` : OWN,
    "/run/openclaw": `rw,noexec,nosuid,nodev,size=16m,mode=${role === "proxy" ? "0700" : "1777"},rprivate,tmpcopyup`,
  },
});

test.each(["proxy", "relay"] as const)("a %s has none as Podman shows it, and what is more or less there is one", (role) => {
  const shown = podman(role);
  const changed = (host: object): string[] => differencesOf(inspected(role, { host: { ...shown, ...host } }));
  expect(changed({})).toEqual([]);
  expect(changed({ CapDrop: ["KILL"] })).toContainEqual(expect.stringMatching(/^CapDrop is \["KILL"/));
  expect(changed({ CapAdd: ["NET_ADMIN"] })).toHaveLength(1);
  expect(changed({ Binds: ["/etc:/host:rw"] })).toEqual([expect.stringMatching(/^Binds is set: .*\/etc/)]);
  expect(changed({ PidMode: "host" })).toEqual(["PidMode is set: host"]);
  expect(changed({ Tmpfs: { "/run/openclaw": "rw,exec" } })).toHaveLength(1);
  expect(changed({ SecurityOpt: [] })).toHaveLength(1);
});

test("what an engine without the means for a limit writes there is none", () => {
  const raw = inspected("relay", { host: { MemorySwap: -1 } });
  expect(differencesOf(raw)).toEqual(["MemorySwap is -1, not 100663296"]);
  expect(differencesOf(raw, ["memorySwap"])).toEqual([]);
});
