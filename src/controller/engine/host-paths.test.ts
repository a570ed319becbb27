// What the engine calls a path of a controller in a container, and back.
import { expect, test } from "vitest";
import { HostPaths } from "./host-paths.ts";
import { findContainerIds } from "./own-container.ts";

const STATE = "/home/node/.openclaw";
const paths = new HostPaths({
  image: "sha256:1",
  mounts: [
    { source: "/home/ann/.openclaw", destination: STATE },
    { source: "/var/lib/docker/volumes/openclaw-run/_data", destination: `${STATE}/run` },
    { source: "/data/projects", destination: `${STATE}/workspace` },
  ],
});

test.each([
  ["a folder in a bind mount", `${STATE}/sandboxes/a-1`, "/home/ann/.openclaw/sandboxes/a-1"],
  ["the mounted folder itself", STATE, "/home/ann/.openclaw"],
  ["a mount inside another", `${STATE}/workspace/src`, "/data/projects/src"],
  ["a folder in a named volume", `${STATE}/run/x`, "/var/lib/docker/volumes/openclaw-run/_data/x"],
  ["a sibling whose name begins alike", `${STATE}/workspace-b`, "/home/ann/.openclaw/workspace-b"],
])("the engine's name for %s leads back to it", (_, own, engine) => {
  expect(paths.toEngine(own)).toBe(engine);
  expect(paths.toOwn(engine)).toBe(own);
});

test("a path that no mount has is refused, with the mount to add", () => {
  expect(() => paths.toEngine("/srv/data")).toThrowError(
    expect.objectContaining({ code: "HostRejected", fix: expect.stringContaining("-v /srv/data:/srv/data") }),
  );
});

test("outside a container every path is its own name", () => {
  expect(new HostPaths(null).toEngine("/srv/data")).toBe("/srv/data");
});

const ID = "a".repeat(64);
test.each([
  ["Docker's", `700 600 8:1 /var/lib/docker/containers/${ID}/hostname /etc/hostname rw - ext4 /dev/sda1 rw`, [ID]],
  ["Podman's", `700 600 0:9 /containers/overlay-containers/${ID}/userdata/hostname /etc/hostname rw - tmpfs tmpfs rw`, [ID]],
  ["no container's", "22 1 8:1 / / rw - ext4 /dev/sda1 rw", []],
  [
    "a host's that looks into a container's folder",
    `700 600 8:1 /var/lib/docker/containers/${ID}/hostname /mnt/look rw - ext4 /dev/sda1 rw`,
    [],
  ],
])("%s mount table tells which container it is of", (_, mountinfo, ids) => {
  expect(findContainerIds(mountinfo)).toEqual(ids);
});
