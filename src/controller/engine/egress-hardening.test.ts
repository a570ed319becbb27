// Which containers of the egress differ from what the controller makes, over what engines answer. That a real one has no differences is
// views/container-audit.engine.test.ts's.
import { expect, test } from "vitest";
import { toContainerId, toEpochMs, toInstanceId, toSandboxName, toSandboxUid, toScopeKey } from "../../api/brands.ts";
import { toEgressOptions } from "./egress-containers.ts";
import { diffHardening, RawHardening } from "./egress-hardening.ts";

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

/** As Docker shows one that was created with these options. */
function inspected(role: "proxy" | "relay", edit: { host?: object; config?: object; mounts?: object[] } = {}): RawHardening {
  const { HostConfig, Cmd, User, Labels } = toEgressOptions(INSTANCE, role === "proxy" ? { role, ...MADE } : RELAY);
  const mounts = (HostConfig?.Mounts ?? []).map(({ Source, Target, ReadOnly }) => {
    return { Type: "volume", Name: Source, Destination: Target, RW: ReadOnly !== true };
  });
  return RawHardening.parse({
    Config: { Cmd, User, Labels, ...edit.config },
    HostConfig: { ...HostConfig, Binds: null, PidMode: "", PortBindings: {}, Devices: [], IpcMode: "private", ...edit.host },
    Mounts: [...mounts, ...(edit.mounts ?? [])],
  });
}

test("one that was made as it should be has none, also as another engine writes it", () => {
  for (const role of ["proxy", "relay"] as const) expect(diffHardening(inspected(role), INSTANCE)).toEqual([]);
  expect(diffHardening(inspected("proxy", { host: { CapAdd: ["CAP_CHOWN"], Devices: null, IpcMode: "shareable" } }), INSTANCE)).toEqual([]);
});

test.each<[string, Parameters<typeof inspected>[1], string]>([
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
  ["root", { config: { User: "0:0" } }, "it runs as root"],
])("%s is one", (_, edit, difference) => {
  expect(diffHardening(inspected("relay", edit), INSTANCE)).toEqual([difference]);
});

test("a socket folder that it may write is one, and another version's are not compared", () => {
  const raw = inspected("relay");
  for (const mount of raw.Mounts ?? []) mount.RW = true;
  expect(diffHardening(raw, INSTANCE)).toEqual(["it has another mount (volume) at /run/openclaw-egress"]);
  const labels = { ...raw.Config.Labels, "openclaw.egressVersion": "0" };
  expect(diffHardening({ ...raw, Config: { ...raw.Config, Labels: labels } }, INSTANCE)).toEqual([]);
});
