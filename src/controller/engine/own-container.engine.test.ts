// The proof that a process in a container knows the engine's names for its paths, on a real engine: whose folder it is does not matter.
// The whole way, from inside a container, is the containers' own tests.
import { chmod, chown, readdir } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { makeCall } from "./call.ts";
import { docker, IMAGE, openDocker } from "./docker.fixture.ts";
import { DockerClient } from "./docker-client.ts";
import { HostPaths } from "./host-paths.ts";
import { provePaths } from "./own-container.ts";

const { instance, listOurs, makeFolder } = openDocker();
const client = new DockerClient(
  docker,
  makeCall(() => undefined, performance.now.bind(performance)),
);

/** The state folder of a process that has it from `source`. */
async function mapped(stateDir: string, source: string) {
  const paths = new HostPaths({ mounts: [{ source, destination: stateDir }], image: (await docker.getImage(IMAGE).inspect()).Id });
  return { paths, stateDir, instance };
}

describe("the proof of a mapping", () => {
  it("holds in a folder that nobody but its owner may enter, and leaves nothing", async () => {
    const stateDir = await makeFolder();
    await chown(stateDir, 1234, 1234);
    await chmod(stateDir, 0o700);
    await provePaths(client, await mapped(stateDir, stateDir));
    expect(await readdir(stateDir)).toEqual([]);
    expect(await listOurs()).toEqual([]);
  });

  it("fails where the engine has another folder under that name, and says which mount to add", async () => {
    const [stateDir, other] = [await makeFolder(), await makeFolder()];
    const proof = provePaths(client, await mapped(stateDir, other));
    await expect(proof).rejects.toMatchObject({
      code: "HostRejected",
      fix: expect.stringContaining(`at ${stateDir} in the controller's container`),
    });
    expect([await readdir(stateDir), await listOurs()]).toEqual([[], []]);
  });

  it("can't be made in a folder that takes no file, and says so", async () => {
    const stateDir = `${await makeFolder()}/gone`;
    await expect(provePaths(client, await mapped(stateDir, stateDir))).rejects.toMatchObject({
      code: "HostRejected",
      message: expect.stringContaining("cannot write"),
    });
  });
});
